@echo off
rem Start Fettle: the version that this person went back to, else the current one, else the previous one.
setlocal
set "root=%~dp0"
set "root=%root:~0,-1%"
set "data=%LOCALAPPDATA%\fettle"
if defined FETTLE_HOME set "data=%FETTLE_HOME%"
set "current=" & set "previous=" & set "chosen=" & set "instead_of=" & set "version="
if exist "%root%\pointer" for /f "usebackq delims=" %%l in ("%root%\pointer") do if defined current (if not defined previous set "previous=%%l") else set "current=%%l"
if exist "%data%\program-version" for /f "usebackq delims=" %%l in ("%data%\program-version") do if defined chosen (if not defined instead_of set "instead_of=%%l") else set "chosen=%%l"
if "%instead_of%"=="%current%" call :take "%chosen%"
call :take "%current%"
call :take "%previous%"
for /f "delims=" %%v in ('dir /b /ad "%root%\versions"') do call :take "%%v"
if not defined version (
    echo Fettle is not complete here. Install it again; your work is safe. 1>&2
    exit /b 6
)
set "PYTHONHOME=" & set "PYTHONPATH=" & set "PYTHONSTARTUP="
set "FETTLE_ROOT=%root%"
set "FETTLE_VERSION=%version%"
"%root%\versions\%version%\python\python.exe" -sP -m app %*
exit /b %errorlevel%

:take
if defined version exit /b
if "%~1"=="" exit /b
set "found=%~1"
if "%found:~0,1%"=="." exit /b
if exist "%root%\versions\%~1\payload.json" if exist "%root%\versions\%~1\python\python.exe" set "version=%~1"
exit /b

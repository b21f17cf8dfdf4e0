@echo off
rem Start Fettle: the version that this person went back to, else the current one, else the previous one.
setlocal
set "root=%~dp0"
set "root=%root:~0,-1%"
set "data=%LOCALAPPDATA%\fettle"
if defined FETTLE_HOME set "data=%FETTLE_HOME%"
set "current=" & set "previous=" & set "chosen=" & set "instead_of="
if exist "%root%\pointer" < "%root%\pointer" (set /p current=& set /p previous=)
if exist "%data%\program-version" < "%data%\program-version" (set /p chosen=& set /p instead_of=)
if not "%instead_of%"=="%current%" set "chosen="
for %%v in ("%chosen%" "%current%" "%previous%") do if not %%v=="" if exist "%root%\versions\%%~v\payload.json" if exist "%root%\versions\%%~v\python\python.exe" (
    set "version=%%~v"
    goto start
)
echo Fettle is not complete here. Install it again; your work is safe. 1>&2
exit /b 6
:start
set "PYTHONHOME=" & set "PYTHONPATH=" & set "PYTHONSTARTUP="
set "FETTLE_ROOT=%root%"
set "FETTLE_VERSION=%version%"
"%root%\versions\%version%\python\python.exe" -sP -m app %*

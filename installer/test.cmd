@echo off
where py >nul 2>nul
if errorlevel 1 (python -ES "%~dp0bootstrap.py" test %*) else (py -3 -ES "%~dp0bootstrap.py" test %*)

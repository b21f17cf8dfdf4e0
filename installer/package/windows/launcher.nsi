; Fettle.exe: starts the version that the pointer names, without a console.
Unicode true
ManifestDPIAware true
ManifestLongPathAware true
RequestExecutionLevel user
SilentInstall silent
Name "Fettle"
Icon "${ICON}"
OutFile "${OUT}"
!include FileFunc.nsh
!include LogicLib.nsh

Var version

!macro TryVersion
    ${If} $version != ""
    ${AndIf} ${FileExists} "$EXEDIR\versions\$version\payload.json"
        System::Call 'kernel32::SetEnvironmentVariable(t "PYTHONHOME", i 0)'
        System::Call 'kernel32::SetEnvironmentVariable(t "PYTHONPATH", i 0)'
        System::Call 'kernel32::SetEnvironmentVariable(t "FETTLE_ROOT", t "$EXEDIR")'
        System::Call 'kernel32::SetEnvironmentVariable(t "FETTLE_VERSION", t "$version")'
        ${GetParameters} $0
        Exec '"$EXEDIR\versions\$version\python\pythonw.exe" -sP -m app $0'
        Quit
    ${EndIf}
!macroend

Section
    ; The version that this person went back to counts while the current one is the one it replaced.
    StrCpy $3 "$LOCALAPPDATA\fettle"
    ReadEnvStr $4 FETTLE_HOME
    ${If} $4 != ""
        StrCpy $3 $4
    ${EndIf}
    ClearErrors
    FileOpen $1 "$EXEDIR\pointer" r
    FileRead $1 $5
    FileRead $1 $6
    FileClose $1
    ClearErrors
    FileOpen $1 "$3\program-version" r
    FileRead $1 $7
    FileRead $1 $8
    FileClose $1
    ${If} $7 != ""
    ${AndIf} $8 == $5
        Push $7
        Call Trimmed
        !insertmacro TryVersion
    ${EndIf}
    Push $5
    Call Trimmed
    !insertmacro TryVersion
    Push $6
    Call Trimmed
    !insertmacro TryVersion
    MessageBox MB_OK|MB_ICONSTOP "Fettle is not complete here. Your work is safe. Install it again."
    SetErrorLevel 6
SectionEnd

Function Trimmed
    Pop $version
    ${Do}
        StrCpy $9 $version 1 -1
        ${If} $9 == "$\r"
        ${OrIf} $9 == "$\n"
            StrCpy $version $version -1
        ${Else}
            ${ExitDo}
        ${EndIf}
    ${Loop}
FunctionEnd

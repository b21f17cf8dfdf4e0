; The installer for one person: no administrator, no console. Data folders of people stay when it is removed.
Unicode true
ManifestDPIAware true
ManifestLongPathAware true
RequestExecutionLevel user
SetCompressor /SOLID lzma
SetCompressorDictSize 64
Name "Fettle"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Fettle"
InstallDirRegKey HKCU "Software\Fettle" "Folder"
!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define REMOVAL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Fettle"
!define MUI_FINISHPAGE_RUN "$INSTDIR\Fettle.exe"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"
!insertmacro MUI_LANGUAGE "French"
!insertmacro MUI_LANGUAGE "Spanish"
!insertmacro MUI_LANGUAGE "Japanese"
!insertmacro MUI_LANGUAGE "SimpChinese"

!macro FileType ending title
    WriteRegStr HKCU "Software\Classes\Fettle.${ending}" "" "${title}"
    WriteRegStr HKCU "Software\Classes\Fettle.${ending}\DefaultIcon" "" "$INSTDIR\Fettle.exe,0"
    WriteRegStr HKCU "Software\Classes\Fettle.${ending}\shell\open\command" "" '"$INSTDIR\Fettle.exe" "%1"'
    WriteRegStr HKCU "Software\Classes\.${ending}\OpenWithProgids" "Fettle.${ending}" ""
!macroend

!macro NoFileType ending
    DeleteRegKey HKCU "Software\Classes\Fettle.${ending}"
    DeleteRegValue HKCU "Software\Classes\.${ending}\OpenWithProgids" "Fettle.${ending}"
!macroend

Section
    SetOutPath "$INSTDIR\versions\${VERSION}"
    Delete "$INSTDIR\versions\${VERSION}\payload.json"
    File /r /x payload.json "${PAYLOAD}\*"
    File "${PAYLOAD}\payload.json" ; last: a version without it is not complete
    SetOutPath "$INSTDIR"
    File "${LAUNCHER}"
    ; The new version is tested before the pointer moves to it.
    nsExec::ExecToLog '"$INSTDIR\versions\${VERSION}\python\python.exe" -ES "$INSTDIR\versions\${VERSION}\fettle\installer\bootstrap.py" versions adopt "$INSTDIR" "${VERSION}"'
    Pop $0
    ${If} $0 != 0
        Abort "The new version does not start here. Your work is safe, and an older version works as before."
    ${EndIf}
    CreateShortcut "$SMPROGRAMS\Fettle.lnk" "$INSTDIR\Fettle.exe"
    !insertmacro FileType onnx "ONNX model"
    !insertmacro FileType safetensors "Safetensors weights"
    !insertmacro FileType gguf "GGUF language model"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKCU "Software\Fettle" "Folder" "$INSTDIR"
    WriteRegStr HKCU "${REMOVAL}" "DisplayName" "Fettle"
    WriteRegStr HKCU "${REMOVAL}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${REMOVAL}" "DisplayIcon" "$INSTDIR\Fettle.exe"
    WriteRegStr HKCU "${REMOVAL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${REMOVAL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
    WriteRegDWORD HKCU "${REMOVAL}" "EstimatedSize" $0
    System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, i 0, i 0)'
SectionEnd

Section Uninstall
    RMDir /r "$INSTDIR\versions"
    Delete "$INSTDIR\pointer"
    Delete "$INSTDIR\.lock"
    Delete "$INSTDIR\Fettle.exe"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR"
    Delete "$SMPROGRAMS\Fettle.lnk"
    !insertmacro NoFileType onnx
    !insertmacro NoFileType safetensors
    !insertmacro NoFileType gguf
    DeleteRegKey HKCU "Software\Fettle"
    DeleteRegKey HKCU "${REMOVAL}"
    System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, i 0, i 0)'
SectionEnd

"""The NSIS hook that stops an application and its sidecars before files are replaced or removed.

Windows replaces no file of a running program. Tauri's installer ends the application itself, and
does so behind this hook (``bundle.windows.nsis.installerHooks``); of sidecars it knows nothing. So
the hook asks for the application's end first, by the installer's own macro (a sidecar that is ended
alone, its supervisor starts again), gives the sidecars time to end by themselves, and ends by force
those that run from the installation's own folder. Then it looks whether the file can be replaced.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from spike.core import jsonfile, process
from spike.installed.package import Package
from spike.installed.rows import Finding, Row, Verdict

TRIES = 20
PAUSE_MS = 250
"""So often and so long the hook waits for the end of sidecars that the application has left."""

FORCED_AT = 12
"""At this try what still runs is ended by force."""


def hook(sidecars: tuple[str, ...]) -> str:
    """The text of ``installer-hooks.nsh``.

    Args:
        sidecars: Names of the sidecars' programs, without ``.exe``.
    """
    lines = [
        "; Stops this application and its sidecars before files are replaced or removed.",
        '; In tauri.conf.json: "bundle": {"windows": {"nsis": {"installerHooks": '
        '"installer-hooks.nsh"}}}',
        "; Made by: invoke installed --package FILE --nsis-hook installer-hooks.nsh",
        "",
        "; Ends what runs from the installation's folder, and nothing of the same name elsewhere.",
        "!macro SIDECAR_END_BY_FORCE",
        # NSIS has a third kind of quotation marks, so PowerShell's stay as they are.
        "  nsExec::ExecToLog `powershell.exe -NoProfile -NonInteractive -Command "
        '"Get-Process | Where-Object { $$_.Path -and '
        "$$_.Path.StartsWith('$INSTDIR\\', 'OrdinalIgnoreCase') } | "
        'Stop-Process -Force"`',
        "  Pop $R8",
        "!macroend",
        "",
        "!macro SIDECAR_WAIT_UNTIL_REPLACEABLE NAME",
        "  !define SIDECAR_ID ${__COUNTER__}",
        f"  StrCpy $R9 {TRIES}",
        "  sidecar_try_${SIDECAR_ID}:",
        '  IfFileExists "$INSTDIR\\${NAME}" 0 sidecar_free_${SIDECAR_ID}',
        "  ClearErrors",
        "  ; Opened for writing and not written to: that is refused while the program runs.",
        '  FileOpen $R8 "$INSTDIR\\${NAME}" a',
        "  IfErrors sidecar_busy_${SIDECAR_ID}",
        "  FileClose $R8",
        "  Goto sidecar_free_${SIDECAR_ID}",
        "  sidecar_busy_${SIDECAR_ID}:",
        f"  IntCmp $R9 {TRIES - FORCED_AT} 0 sidecar_wait_${{SIDECAR_ID}} "
        "sidecar_wait_${SIDECAR_ID}",
        '  DetailPrint "Ending ${NAME}"',
        "  !insertmacro SIDECAR_END_BY_FORCE",
        "  sidecar_wait_${SIDECAR_ID}:",
        f"  Sleep {PAUSE_MS}",
        "  IntOp $R9 $R9 - 1",
        "  IntCmp $R9 0 0 0 sidecar_try_${SIDECAR_ID}",
        "  SetErrorLevel 1",
        '  Abort "${NAME} is running and cannot be replaced. Close ${PRODUCTNAME} and try again."',
        "  sidecar_free_${SIDECAR_ID}:",
        "  !undef SIDECAR_ID",
        "!macroend",
        "",
        "!macro SIDECARS_STOP",
        "  ; Behind this hook the installer does the same again, and finds nobody.",
        "  !ifmacrodef CheckIfAppIsRunning",
        '    !insertmacro CheckIfAppIsRunning "${MAINBINARYNAME}.exe" "${PRODUCTNAME}"',
        "  !endif",
        *(f'  !insertmacro SIDECAR_WAIT_UNTIL_REPLACEABLE "{name}.exe"' for name in sidecars),
        "!macroend",
        "",
        "!macro NSIS_HOOK_PREINSTALL",
        "  !insertmacro SIDECARS_STOP",
        "!macroend",
        "",
        "!macro NSIS_HOOK_PREUNINSTALL",
        "  !insertmacro SIDECARS_STOP",
        "!macroend",
    ]
    return "\n".join(lines) + "\n"


INSTALLER = """\
Unicode true
Name "proof"
OutFile "proof.exe"
InstallDir "$LOCALAPPDATA\\proof"
RequestExecutionLevel user
!include LogicLib.nsh
!define MAINBINARYNAME "{main}"
!define PRODUCTNAME "proof"
; As in Tauri's own utils.nsh, as far as the hook sees it.
!macro CheckIfAppIsRunning executableName productName
  DetailPrint "${{executableName}} of ${{productName}}"
!macroend
!include "installer-hooks.nsh"
Section Install
  SetOutPath $INSTDIR
  !insertmacro NSIS_HOOK_PREINSTALL
  !insertmacro CheckIfAppIsRunning "${{MAINBINARYNAME}}.exe" "${{PRODUCTNAME}}"
  WriteUninstaller "$INSTDIR\\uninstall.exe"
SectionEnd
Section Uninstall
  !insertmacro NSIS_HOOK_PREUNINSTALL
SectionEnd
"""
"""An installer that takes the hook in as Tauri's template does."""


def prove(package: Package, folder: Path, keep: Path | None) -> Finding:
    """Make the hook for a package's sidecars, compile it, and keep it where it is asked for.

    Args:
        package: Whose sidecars; those beside the application's program are ``externalBin``.
        folder: Scratch folder, which is made.
        keep: Where to write the hook; None not to.
    """
    beside = PurePosixPath(package.main).parent
    names = tuple(
        PurePosixPath(path).name
        for path in package.sidecars
        if PurePosixPath(path).parent == beside
    )
    text = hook(names)
    if keep:
        jsonfile.write_text(keep, text)
    shown = f"for {', '.join(names) or 'no sidecar'}"
    if not names:
        return Finding(row=Row.NSIS_HOOK, verdict=Verdict.NOT_ASKED, detail=f"the hook is {shown}")
    if not shutil.which("makensis"):
        return Finding(
            row=Row.NSIS_HOOK,
            verdict=Verdict.NOT_RUN,
            detail="makensis is not installed: (as root) apt-get install -y nsis",
        )
    errors = compile_hook(text, PurePosixPath(package.main).name, folder)
    if errors:
        return Finding(
            row=Row.NSIS_HOOK, verdict=Verdict.FAIL, detail="it does not compile", log=errors
        )
    return Finding(
        row=Row.NSIS_HOOK, verdict=Verdict.PASS, detail=f"{shown}: makensis compiles it; not run"
    )


def compile_hook(text: str, main: str, folder: Path) -> tuple[str, ...]:
    """Compile an installer with a hook; give what makensis complains of, nothing when it does not.

    Args:
        text: The hook.
        main: Name of the application's program.
        folder: Scratch folder, which is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "installer-hooks.nsh").write_text(text, encoding="utf-8")
    (folder / "proof.nsi").write_text(INSTALLER.format(main=main), encoding="utf-8")
    # Warnings are errors: a macro that is never inserted, a variable that nobody sets.
    done = process.capture(["makensis", "-V2", "-WX", "proof.nsi"], cwd=folder)
    return () if done.ok else tuple((done.output + done.errors).splitlines()[-12:])

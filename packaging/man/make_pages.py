#!/usr/bin/env python3
"""Writes pipebd.1 and pipebd-workbench.1 from the --help texts of the programs in build/bin. tests/gui/test_packaging.cpp fails when
the pages are out of date. pipebd-engine.1 is written by hand."""
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1] / "build/bin"

PIPEBD = r"""
.Dd March 1, 2026
.Dt PIPEBD 1
.Os
.Sh NAME
.Nm pipebd
.Nd plan, run and compare schedules for teacher-student training
.Sh SYNOPSIS
.Nm
.Op Fl -lab Ar DIR
.Op Fl -json
.Op Fl -quiet
.Ar COMMAND
.Op Ar ...
.Sh DESCRIPTION
.Nm
measures the cost of the blocks of a teacher and a student network, predicts the cost of every schedule for training them on
several devices, runs the schedule that you choose, and stores the measurements with the predictions.
.Pp
An experiment file (TOML) describes the networks, the data and the training.
Devices are a comma-separated list, one per rank:
.Ql cpu ,
.Ql cpu@4
(four threads),
.Ql cuda:0 ;
.Ql auto
means all GPUs or, without a GPU, one
.Ql cpu
rank per core.
.Pp
Options of every command:
.Bl -tag -width Ds
@OPTIONS@
.El
.Sh COMMANDS
@COMMANDS@
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev PIPEBD_LAB
The lab, unless
.Fl -lab
is given.
.It Ev XDG_DATA_HOME
Otherwise the lab is its folder
.Pa pipebd
.Pq default: Pa ~/.local/share .
.It Ev PIPEBD_ENGINE
The engine; default: the
.Xr pipebd-engine 1
next to this program.
.El
.Sh FILES
A lab contains
.Pa library.sqlite
and, in
.Pa runs ,
one folder per run with its database, log, checkpoints and trained student.
.Sh EXIT STATUS
0: done.
1: the run failed.
2: invalid request.
An error is one line on standard error: what is wrong, where, and how to correct it.
.Sh EXAMPLES
Compare schedules on two cores, then run one:
.Bd -literal -offset indent
pipebd plan digits-nas.toml --devices cpu,cpu
pipebd run digits-nas.toml --devices cpu,cpu --strategy tr+dpu
.Ed
.Pp
Resume run 1 on other devices:
.Dl pipebd run --resume 1 --devices cpu,cpu,cpu
.Sh SEE ALSO
.Xr pipebd-engine 1 ,
.Xr pipebd-workbench 1
"""

WORKBENCH = r"""
.Dd March 1, 2026
.Dt PIPEBD-WORKBENCH 1
.Os
.Sh NAME
.Nm pipebd-workbench
.Nd window on a lab of training runs
.Sh SYNOPSIS
.Nm
.Op Ar OPTIONS
.Op Ar FILE
.Sh DESCRIPTION
.Nm
shows the pairs, profiles, schedules and runs of a lab, and starts, follows, stops and compares runs.
Runs continue when the window is closed.
Every page shows the equivalent
.Xr pipebd 1
command.
.Pp
.Ar FILE
is an experiment file to start, or the folder of a run to show.
.Pp
Options:
.Bl -tag -width Ds
@OPTIONS@
.El
.Sh KEYS
.Ic F1
or
.Ic ?\&
lists all keyboard shortcuts, by page.
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev PIPEBD_LAB
The lab, unless
.Fl -lab
is given.
.It Ev PIPEBD_PROGRAM
The program
.Xr pipebd 1 ;
default: the one next to this program or in
.Ev PATH .
.It Ev QT_SCALE_FACTOR
Scale factor of the window, such as 2.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/pipebd/workbench.ini
Saved settings: layout, theme, recent files.
.El
.Sh EXIT STATUS
0: done.
2: invalid request.
.Sh EXAMPLES
A picture of a page, without a display:
.Dl pipebd-workbench --grab runs.png --page runs --theme dark
.Sh SEE ALSO
.Xr pipebd 1 ,
.Xr pipebd-engine 1
"""


def help_of(program, *command):
    return subprocess.run([PROGRAMS / program, *command, "--help"], capture_output=True, text=True, check=True).stdout


def sentence(text):
    text = text.strip().replace("\\", "\\e")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def entries(text):
    """Of CLI11's help: (section, [name, ...words], description)."""
    found, section = [], None
    for line in text.splitlines()[1:]:
        if re.match(r"^[A-Z(][^:]*:$", line):
            section = line[:-1]
        elif section and re.match(r"^  \S", line):
            name, _, description = line.strip().partition("  ")
            words = re.sub(r"(Excludes|Needs): \S+", "", name).split()
            if name.startswith("--") and len(words) > 1 and not words[1][0].isupper():  # a name as wide as its column
                name, description = words[0], " ".join(words[1:])
            found.append([section, name, description.strip()])
        elif found and line.startswith("    "):
            found[-1][2] = (found[-1][2] + " " + line.strip()).strip()
    return found


def option_lines(text):
    lines = []
    for section, name, description in entries(text):
        flag, _, argument = name.partition(" ")
        if section in ("Subcommands", "Positionals") or flag == "-h,--help":
            continue
        argument = re.sub(r"\s*(Excludes|Needs): \S+", "", argument).replace(" ...", "").strip()
        lines.append(f".It Fl {flag[1:]}" + (f" Ar {argument.replace('|', ' | ')}" if argument else ""))
        lines.append(sentence(description))
    return lines


def command_lines(path):
    text = help_of("pipebd", *path)
    inner = [name for section, name, _ in entries(text) if section == "Subcommands"]
    if inner:
        return [line for name in inner for line in command_lines([*path, name])]
    arguments = [re.sub(r" (Excludes|Needs): \S+", "", name.partition(" ")[2]) or name.upper() for section, name, _ in entries(text) if section == "Positionals"]
    lines = [" ".join([".Ss pipebd", *path, *arguments]), sentence(text.splitlines()[0])]
    options = option_lines(text)
    return lines + ([".Bl -tag -width Ds", *options, ".El"] if options else [])


def workbench_options():
    """Of Qt's help: "  -h, --help     Show this help."."""
    lines = []
    for line in help_of("pipebd-workbench").split("Arguments:")[0].splitlines():
        match = re.match(r"^  (-\S.*?)(?:  +(.*))?$", line)
        if match:
            words = match.group(1).replace("<", "").replace(">", "").replace(",", "").split()
            flags = " , ".join("Fl " + word[1:] for word in words if word.startswith("-"))
            arguments = " ".join(word for word in words if not word.startswith("-"))
            lines += [f".It {flags}" + (f" Ar {arguments}" if arguments else ""), match.group(2) or ""]
        elif lines and line.startswith("     "):
            lines[-1] = (lines[-1] + " " + line.strip()).strip()
    return [line if line.startswith(".It") else sentence(line) for line in lines]


def write(name, page, **parts):
    for key, lines in parts.items():
        page = page.replace(f"@{key}@", "\n".join(lines))
    (HERE / name).write_text(page.lstrip("\n"))


top = help_of("pipebd")
commands = [name for section, name, _ in entries(top) if section == "Subcommands"]
write("pipebd.1", PIPEBD, OPTIONS=option_lines(top), COMMANDS=[line for name in commands for line in command_lines([name])])
write("pipebd-workbench.1", WORKBENCH, OPTIONS=workbench_options())

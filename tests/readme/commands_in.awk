# Prints the commands that a Markdown file shows, one on each line, in the order in which they stand:
# "LINE<tab>SECTION<tab>COMMAND<tab>PLAIN".
# Those are lines of code blocks, continued lines joined and comments left out, and code within a text (also over the end of a
# line) that begins with one of the programs. "runs ...", "pairs ..." and "profiles ..." within a text stand for pipebd's.
# PLAIN is the command without texts in quotes, brackets of a synopsis, and what comes behind a pipe or a redirection.
function plain(command) {
    gsub(/"[^"]*"|'[^']*'/, "TEXT", command)
    gsub(/[][]|\.\.\.|…/, " ", command)
    sub(/ (\||>|>>|2>|&&|;) .*/, "", command)
    return command
}
function told(line, command) {
    sub(/[ \t]+#.*/, "", command)
    gsub(/[ \t\n]+/, " ", command)
    sub(/^ /, "", command)
    sub(/ $/, "", command)
    if (command ~ /^(runs|pairs|profiles) (list|show|compare|export|import|tag|note|delete|restore|purge|stop)/)
        command = "pipebd " command
    if (command ~ programs)
        print line "\t" section "\t" command "\t" plain(command)
}
function told_in_text(    parts, count, i, line, breaks) {
    count = split(text, parts, "`")
    line = text_line
    for (i = 1; i <= count; ++i) {
        if (i % 2 == 0)
            told(line, parts[i])
        breaks = gsub(/\n/, "", parts[i])
        line += breaks
    }
    text = ""
}
BEGIN {
    programs = "^(pipebd|pipebd-engine|pipebd-workbench|torchrun|packaging/bootstrap\\.sh|resources/python/[a-z_]+\\.py)( |$)"
}
/^[ \t]*```/ { told_in_text(); fenced = !fenced; next }
/^#+ / && !fenced { told_in_text(); section = $0; sub(/^#+ /, "", section); next }
continued != "" { continued = continued " " $0
    if (continued ~ /\\$/) sub(/\\$/, "", continued)
    else { told(continued_line, continued); continued = "" }
    next
}
fenced || /^(    |\t|       )/ {
    stripped = $0
    sub(/^[ \t]+/, "", stripped)
    if (fenced || stripped ~ programs) {
        told_in_text()
        if (stripped ~ /\\$/) { continued = stripped; sub(/\\$/, "", continued); continued_line = NR }
        else told(NR, stripped)
        next
    }
}
/^[ \t]*$/ { told_in_text(); next }
{ if (text == "") text_line = NR
  text = text $0 "\n " }
END { told_in_text() }

# SPDX-License-Identifier: MIT
#
# Prints C source as FILE:LINE: CODE, without comments and without what stands in quotes, so that
# the checks look at code only. An #include keeps its name.

BEGIN {
    comments = "/[*]|//"
    quotes = "\"([^\"\\\\]|\\\\.)*\"|'([^'\\\\]|\\\\.)*'"
}

FNR == 1 {
    comment = 0
}

{
    out = ""
    rest = $0
    include = rest ~ /^[ \t]*#[ \t]*include/
    while (rest != "") {
        if (comment) {
            end = index(rest, "*/")
            if (!end) {
                break
            }
            rest = substr(rest, end + 2)
            comment = 0
            out = out " "
            continue
        }
        if (!match(rest, include ? comments : comments "|" quotes)) {
            out = out rest
            break
        }
        token = substr(rest, RSTART, RLENGTH)
        out = out substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (token == "/*") {
            comment = 1
        } else if (token == "//") {
            out = out "//"
            break
        } else {
            out = out substr(token, 1, 1) substr(token, 1, 1)
        }
    }
    print FILENAME ":" FNR ": " out
}

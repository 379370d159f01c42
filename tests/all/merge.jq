# SPDX-License-Identifier: MIT
#
# Turns what ctest --show-only=json-v1 prints into a CTestTestfile.cmake, the names prefixed.

def quoted: "[==[" + tostring + "]==]";

# Properties that name other tests, or fixtures that belong to one tree.
def names:
    IN("DEPENDS", "FIXTURES_SETUP", "FIXTURES_CLEANUP", "FIXTURES_REQUIRED");

def value:
    if .name | names then .value | map($tree + "/" + .)
    else .value end
    | if type == "array" then map(tostring) | join(";") else . end;

.tests[]
| ($tree + "/" + .name | quoted) as $name
| "add_test(" + ([$name] + (.command // ["NOT_AVAILABLE"] | map(quoted)) | join(" ")) + ")",
  (.properties // [] | map((.name | quoted) + " " + (value | quoted)) | select(length > 0)
   | "set_tests_properties(" + $name + " PROPERTIES " + join(" ") + ")")

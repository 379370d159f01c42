/* SPDX-License-Identifier: MIT
 *
 * Reason phrases, as registered with IANA (RFC 9110 section 15 and others).
 */
#include <porthole/http.h>

static const char *const informations[] = {"Continue", "Switching Protocols", "Processing",
                                           "Early Hints"};
static const char *const successes[] = {
    "OK",
    "Created",
    "Accepted",
    "Non-Authoritative Information",
    "No Content",
    "Reset Content",
    "Partial Content",
    "Multi-Status",
    "Already Reported",
};
static const char *const redirections[] = {
    "Multiple Choices", "Moved Permanently",  "Found",
    "See Other",        "Not Modified",       "Use Proxy",
    "(Unused)",         "Temporary Redirect", "Permanent Redirect",
};
static const char *const client_errors[] = {
    "Bad Request",
    "Unauthorized",
    "Payment Required",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Not Acceptable",
    "Proxy Authentication Required",
    "Request Timeout",
    "Conflict",
    "Gone",
    "Length Required",
    "Precondition Failed",
    "Content Too Large",
    "URI Too Long",
    "Unsupported Media Type",
    "Range Not Satisfiable",
    "Expectation Failed",
    "(Unused)",
    "Unknown",
    "Unknown",
    "Misdirected Request",
    "Unprocessable Content",
    "Locked",
    "Failed Dependency",
    "Too Early",
    "Upgrade Required",
    "Unknown",
    "Precondition Required",
    "Too Many Requests",
    "Unknown",
    "Request Header Fields Too Large",
};
static const char *const server_errors[] = {
    "Internal Server Error",
    "Not Implemented",
    "Bad Gateway",
    "Service Unavailable",
    "Gateway Timeout",
    "HTTP Version Not Supported",
    "Variant Also Negotiates",
    "Insufficient Storage",
    "Loop Detected",
    "Unknown",
    "Not Extended",
    "Network Authentication Required",
};

static const struct {
    const char *const *texts;
    int count;
} classes[] = {
    [1] = {informations, sizeof informations / sizeof *informations},
    [2] = {successes, sizeof successes / sizeof *successes},
    [3] = {redirections, sizeof redirections / sizeof *redirections},
    [4] = {client_errors, sizeof client_errors / sizeof *client_errors},
    [5] = {server_errors, sizeof server_errors / sizeof *server_errors},
};

const char *ph_status_text(int status)
{
    if (status == 451) { /* far from the others of its class */
        return "Unavailable For Legal Reasons";
    }
    int class = status / 100;
    int number = status % 100;
    if (class < 1 || class > 5 || number >= classes[class].count) {
        return "Unknown";
    }
    return classes[class].texts[number];
}

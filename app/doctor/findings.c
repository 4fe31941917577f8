/* SPDX-License-Identifier: BSD-3-Clause */
/* Findings on stdout: lines for people, or one JSON list. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "doctor.h"

static const char *const words[] = {"ok", "warn", "FAIL"};
static const char *const json_words[] = {"ok", "warn", "fail"};

static void json_field(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    if (text)
        json_print_string(stdout, text, strlen(text));
    else
        fputs("null", stdout);
}

static void print_json(const struct findings *findings, enum finding finding, const char *check, const char *fix,
        const char *detail)
{
    printf("%s\n{\"check\":\"%s\",\"status\":\"%s\"", findings->begun ? "," : "[", check, json_words[finding]);
    json_field("detail", detail);
    json_field("fix", fix);
    putchar('}');
}

/* Names of devices and processes are not ours: none of them steers the terminal. */
static void print_clean(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_line(enum finding finding, const char *check, const char *fix, const char *detail)
{
    printf("%-4s  %-16s  ", words[finding], check);
    print_clean(detail);
    if (fix) {
        fputs(" - mend: ", stdout);
        print_clean(fix);
    }
    putchar('\n');
}

void finding_add(struct findings *findings, enum finding finding, const char *check, const char *fix,
        const char *format, ...)
{
    char detail[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    findings->cnt[finding]++;
    if (findings->json)
        print_json(findings, finding, check, fix, detail);
    else
        print_line(finding, check, fix, detail);
    findings->begun = true;
}

void finding_end(const struct findings *findings, const char *spec)
{
    unsigned warn = findings->cnt[FINDING_WARN], fail = findings->cnt[FINDING_FAIL];

    if (findings->json) {
        puts(findings->begun ? "\n]" : "[]");
        return;
    }
    if (fail > 0)
        printf("\nxord cannot work with --port %s: %u failure%s", spec, fail, plural(fail));
    else
        printf("\nxord can work with --port %s", spec);
    printf("%s%u warning%s%s\n", fail > 0 ? ", " : ": ", warn, plural(warn),
            warn + fail > 0 && geteuid() != 0 ? "; the commands are for root" : "");
}

# SPDX-License-Identifier: BSD-3-Clause
# Turns drivers-config/nics/*.yaml into rows of the table in nics.c. What it reads is a small part of YAML: "key: value", where a
# value is a word, a "text", or a [list], which may go on in indented lines; and `sources`, which names where each fact is from.
# Whatever it does not know, and a fact without a source, ends the build with file and line.

function refuse(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what >"/dev/stderr"
    failed = 1
    exit 1
}

function text_of(value) {
    if (value !~ /^".*"$/)
        value = "\"" value "\""
    return value
}

function words_of(value) {
    gsub(/[][,]/, " ", value)
    gsub(/  +/, " ", value)
    sub(/^ /, "", value)
    sub(/ $/, "", value)
    return value
}

function number_of(key, value) {
    if (value == "device")
        return "NIC_ANY_NUMBER"
    if (value !~ /^(0x[0-9a-f]+|[0-9]+)$/)
        refuse(key " is no number: " value)
    return value
}

function answer_of(key, value) {
    if (value !~ /^(yes|no|device)$/)
        refuse(key " is neither yes, no nor device: " value)
    return "NIC_" toupper(value)
}

function field(key, value) {
    if (kind[key] == "text")
        return text_of(value)
    if (kind[key] == "words")
        return "\"" words_of(value) "\""
    if (kind[key] == "number")
        return number_of(key, value)
    if (kind[key] == "answer")
        return answer_of(key, value)
    if (key == "bind" && value ~ /^(vfio-pci|bifurcated|interface|none)$/) {
        sub(/-/, "_", value)
        return "NIC_BIND_" toupper(value)
    }
    if (key == "rss_types") {
        value = words_of(value)
        return value ~ /udp4/ && value ~ /udp6/ ? "true" : "false"
    }
    refuse(key " has a value that is not known: " value)
}

# A profile is read: checks that it is whole, and prints its row.
function profile_end(key) {
    if (!family)
        return
    for (key in kind) {
        if (!(key in given) && !(key in optional))
            refuse(family " has no " key)
        if ((key in given) && (key in sourced) && !(key in from))
            refuse(family " names no source of " key)
    }
    printf "        {.family = \"%s\"", family
    for (key in given)
        if (key == "devices") {
            n = split(words_of(given[key]), ids, " ")
            printf ", .devices = (const uint16_t[]){"
            for (i = 1; i <= n; i++)
                printf "%s%s", (i > 1 ? ", " : ""), ids[i]
            printf "}, .device_cnt = %d", n
        } else if (key == "rss_types") {
            printf ", .rss_udp = %s", field(key, given[key])
        } else if (key != "symmetric") {
            printf ", .%s = %s", key, field(key, given[key])
        }
    print "},"
    family = ""
    split("", given)
    split("", from)
}

function keys_are(names, what, array,    list, n, i) {
    n = split(names, list, " ")
    for (i = 1; i <= n; i++)
        array[list[i]] = what
}

BEGIN {
    keys_are("title pmd library fallback kernel_min", "text", kind)
    keys_are("kernel_drivers capabilities", "words", kind)
    keys_are("vendor max_queues usable_queues rss_key_bytes rss_reta", "number", kind)
    keys_are("uio rss rx_udp_checksum tx_udp_checksum tx_ip4_checksum", "answer", kind)
    keys_are("devices bind rss_types symmetric", "own", kind)
    keys_are("vendor devices kernel_drivers usable_queues capabilities kernel_min", "yes", optional)
    keys_are("devices bind max_queues usable_queues rss rss_types rss_key_bytes rss_reta symmetric rx_udp_checksum " \
        "tx_udp_checksum tx_ip4_checksum kernel_min", "yes", sourced)
}

FNR == 1 { profile_end(); in_sources = 0; last = "" }
/^#/ || /^$/ { next }
/^  [a-z_0-9]+: / && in_sources {
    key = $1
    sub(/:$/, "", key)
    from[key] = 1
    next
}
/^  / && last != "" {
    sub(/^ +/, "")
    given[last] = given[last] " " $0
    next
}
/^sources:$/ { in_sources = 1; next }
/^[a-z_0-9]+: / {
    key = $1
    sub(/:$/, "", key)
    value = $0
    sub(/^[a-z_0-9]+: +/, "", value)
    if (key == "family") {
        family = value
        last = ""
        next
    }
    if (!(key in kind))
        refuse("there is no key " key)
    if (key in given)
        refuse(key " stands here for the second time")
    given[key] = value
    last = key
    next
}
{ refuse("not understood: " $0) }
END { if (!failed) profile_end() }

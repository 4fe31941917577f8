#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the manual and the other documents against the binary that they tell of.

Each command has a page and each page a command, that page defines exactly the options that the command's --help lists, and in
whatever is shown to be typed - a line that begins with `xord COMMAND` - each option is one of that command's.

    man.py XORD SOURCE --coming=PAGE,... --coming-options=OPTION,... PAGE...

Pages and options that are coming are not in the binary yet, and fail once they are."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SECTIONS = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'FILES', 'EXAMPLES', 'SEE ALSO']
NOT_OF_COMMANDS = {'OPTIONS', 'EXIT STATUS', 'SYNOPSIS'}  # which a page of a file format has no use for
OPTION = re.compile(r'(?<![\w-])--[a-z][a-z0-9-]*')
bad = []


def complain(text):
    bad.append(text)


class Binary:
    def __init__(self, path):
        self.path = path
        self.commands = self.subcommands([])
        self.cache = {}

    def output(self, *words):
        # glibc's argp does not free all that printing help took.
        env = dict(os.environ, ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0', COLUMNS='80')
        return subprocess.run([self.path, *words], check=True, capture_output=True, text=True, env=env).stdout

    def subcommands(self, words):
        """Those that have a --help of their own."""
        text = self.output(*words, '--help')
        if 'COMMAND --help' not in text:
            return []
        return re.findall(r'^  ([a-z]+) ', text[text.index('\nCommands:'):], re.M)

    def options(self, command):
        """Long options of a command and of its subcommands; None: there is no such command."""
        if command not in self.commands:
            return None
        if command not in self.cache:
            found = set()
            for words in [[command]] + [[command, sub] for sub in self.subcommands([command])]:
                found |= set(re.findall(r'^ +(?:-[^ ], )?(--[a-z][a-z0-9-]*)', self.output(*words, '--help'), re.M))
            self.cache[command] = found | {'--help'}
        return self.cache[command]


class Page:
    def __init__(self, source, name, directory):
        self.name, self.section = name.rsplit('.', 1)
        self.file = f'docs/man/{name}.scd'
        self.command = self.name.removeprefix('xord-') if self.name != 'xord' else None
        out = pathlib.Path(directory) / name
        subprocess.run(['sh', source / 'docs/man/page.sh', source / self.file, out, '0', '/usr/share'], check=True)
        self.text = out.read_text()
        self.parts = dict(re.findall(r'^# ([A-Z ]+)\n(.*?)(?=^# |\Z)', self.text, re.M | re.S))

    def defined(self):
        """Options that have a paragraph of their own."""
        return {option for line in self.parts.get('OPTIONS', '').splitlines() if line.startswith('*-')
                for option in OPTION.findall(line)}


def check_shape(page, names):
    wanted = [s for s in SECTIONS if page.section == '1' or s not in NOT_OF_COMMANDS]
    if [s for s in page.parts if s in SECTIONS] != wanted:
        complain(f'{page.file}: sections {", ".join(page.parts)}; wanted, in this order: {", ".join(wanted)}')
    for name, section in re.findall(r'\*(xord[a-z.-]*)\*\((\d)\)', page.text):
        if f'{name}.{section}' not in names:
            complain(f'{page.file} refers to {name}({section}), which is no page')


def check_options(page, binary, others, coming):
    options = binary.options(page.command)
    for option in sorted(options & coming):
        complain(f'{page.file}: {option} is there: take it out of `coming_options` in docs/man/meson.build')
    options = options | (page.defined() & coming)
    for option in sorted(options - page.defined()):
        complain(f'{page.file}: {option} of `xord {page.command} --help` is missing below OPTIONS')
    for option in sorted(page.defined() - options):
        complain(f'{page.file} explains {option}, which `xord {page.command} --help` does not list')
    for option in sorted(set(OPTION.findall(page.text)) - options - others):
        complain(f'{page.file} names {option}, which is no option of any program of ours')


def shown_commands(text):
    """What is typed: lines of blocks, indented or fenced, and what stands between backticks. A line may go on after a backslash."""
    text = text.replace('\\\n', ' ')
    lines = re.findall(r'`(xord [^`\n]+)`', text) + re.findall(r'^ {4,}(.*)', text, re.M)
    lines += [line for block in re.findall(r'^```\n(.*?)^```', text, re.M | re.S) for line in block.splitlines()]
    for line in lines:
        caller = re.match(r'(sudo )?(-u xord )?(?=xord )', line)
        if caller:
            line = re.sub(r'\s#.*', '', line[caller.end():])
            yield from (part.strip() for part in re.split(r'[|;&]+', line) if part.strip().startswith('xord '))


def check_shown(file, text, binary, coming, coming_options):
    for line in shown_commands(text):
        words = line.split()
        command = words[1] if len(words) > 1 and words[1] != 'help' else ''
        if not re.fullmatch('[a-z]+', command) or command in coming:
            continue
        options = binary.options(command)
        if options is None:
            complain(f'{file}: `{line}`: there is no command {command}')
            continue
        for option in OPTION.findall(line.split(' -- ')[0]):
            if option not in options | coming_options:
                complain(f'{file}: `{line}`: `xord {command}` has no {option}')


def config_keys(binary):
    """Keys of the default configuration, those that are comments too."""
    keys, group = [], ''
    for line in binary.output('config', 'default').splitlines():
        match = re.fullmatch(r'( *)#?([a-z][a-z0-9-]*):( .*)?', line)
        if not match:
            continue
        indent, key, value = match.groups()
        if not indent:
            group = '' if value else key + '.'
        if indent or value:
            keys.append((group if indent else '') + key)
    return keys


def check_config(page, binary):
    wanted, have = config_keys(binary), re.findall(r'^\*([a-z][a-z0-9.-]*)\*: ', page.text, re.M)
    for key in wanted:
        if key not in have:
            complain(f'{page.file}: the key {key} of `xord config default` is missing')
    for key in have:
        if key not in wanted:
            complain(f'{page.file} explains the key {key}, which `xord config default` does not have')


def check_ctl(page, binary):
    """What can be said to a bootnode, as `xord ctl` without it tells."""
    complaint = subprocess.run([binary.path, 'ctl'], capture_output=True, text=True).stderr
    words = re.findall('[a-z]+', complaint.rpartition(' one of ')[2])
    if not words:
        complain(f'`xord ctl` does not say what can be said: "{complaint.strip()}"')
    for word in words:
        if not re.search(rf'^\*{word}\*', page.text, re.M):
            complain(f'{page.file}: the command {word} of `xord ctl` is missing')


def script_options(source):
    """Options of what is no command of the binary, and of programs that the documents use."""
    found = {'--help', '--usage', '--version'}
    setup = source / 'drivers-config/setup-host'
    if setup.exists():
        found |= set(OPTION.findall(subprocess.run(['sh', setup, '--help'], check=True, capture_output=True, text=True).stdout))
    return found


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('xord')
    parser.add_argument('source', type=pathlib.Path)
    parser.add_argument('--coming', type=lambda text: set(filter(None, text.split(','))))
    parser.add_argument('--coming-options', type=lambda text: set(filter(None, text.split(','))))
    parser.add_argument('pages', nargs='+')
    return parser.parse_args()


def check_page(page, binary, others, args):
    name = f'{page.name}.{page.section}'
    command = 'config' if page.name == 'xord.yaml' else page.command
    check_shape(page, args.pages)
    if name in args.coming:
        if command in binary.commands:
            complain(f'{page.file}: its command is there: take the page out of `coming` in docs/man/meson.build')
    elif command is not None and command not in binary.commands:
        complain(f'{page.file}: `xord --help` has no command {command}')
    elif page.name == 'xord.yaml':
        check_config(page, binary)
    elif command:
        check_options(page, binary, others, args.coming_options)
        if command == 'ctl':
            check_ctl(page, binary)


def check_index(binary, index, names):
    """Of the pages: one for each command, which xord(1) names."""
    listed = index.split('# COMMANDS')[1].split('# OPTIONS')[0]
    for command in binary.commands:
        if f'xord-{command}.1' not in names:
            complain(f'`xord {command}` has no page docs/man/xord-{command}.1.scd')
        if f'*xord-{command}*(1)' not in listed:
            complain(f'docs/man/xord.1.scd does not list xord-{command}(1) below COMMANDS')


def main():
    args = arguments()
    binary = Binary(args.xord)
    with tempfile.TemporaryDirectory() as directory:
        pages = [Page(args.source, name, directory) for name in args.pages]
    for file in sorted((args.source / 'docs/man').glob('*.scd')):
        if file.stem not in args.pages:
            complain(f'docs/man/{file.name} is not in docs/man/meson.build')
    others = script_options(args.source).union(*(binary.options(command) for command in binary.commands))
    coming = {name.removeprefix('xord-').rsplit('.', 1)[0] for name in args.coming}
    for page in pages:
        check_page(page, binary, others, args)
        check_shown(page.file, page.text, binary, coming, args.coming_options)
    check_index(binary, next(page.text for page in pages if page.name == 'xord'), args.pages)
    for file in ['README.md', *sorted(str(path.relative_to(args.source)) for path in args.source.glob('docs/*.md'))]:
        check_shown(file, (args.source / file).read_text(), binary, coming, args.coming_options)
    print('\n'.join(bad + [f'{len(pages)} pages, {len(binary.commands)} commands, {len(bad)} complaints']))
    sys.exit(1 if bad or not binary.commands else 0)


main()

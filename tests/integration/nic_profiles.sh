# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# The profiles in drivers-config/nics: they say of PCI devices and modules what DPDK's installed drivers say of themselves, each
# fact has its source, and what the build makes of them refuses what it does not understand.
set -eu
. "$XORD_SRC/tests/integration/lib.sh"

profiles=$XORD_SRC/drivers-config/nics

table() { awk -f "$XORD_SRC/app/doctor/nics.awk" "$@"; }

refuses() { # PATTERN SED-SCRIPT: applied to a good profile
  sed "$2" "$profiles/igc.yaml" >"$tmp/igc.yaml"
  ! cmp -s "$tmp/igc.yaml" "$profiles/igc.yaml" || fail "'$2' changes nothing"
  ! table "$tmp/igc.yaml" >/dev/null 2>"$tmp/err" || fail "taken in spite of '$2'"
  grep -qE -e "$1" "$tmp/err" || fail "$(cat "$tmp/err") does not match '$1'"
  ok "refused: $(sed 's/.*igc.yaml/igc.yaml/' "$tmp/err")"
}

table "$profiles"/*.yaml >"$tmp/rows" || fail 'the profiles cannot be read'
assert_eq 'rows in the table' "$(wc -l <"$tmp/rows")" "$(find "$profiles" -name '*.yaml' | wc -l)"
for profile in "$profiles"/*.yaml; do
  name=${profile##*/}
  grep -q "'nics/$name'" "$XORD_SRC/drivers-config/meson.build" || fail "$name is not built in"
  grep -q "^family: ${name%.yaml}\$" "$profile" || fail "$name is not of the family that it is named for"
done
refuses 'no key speed' '/^uio/s/uio/speed/'
refuses 'names no source of max_queues' '/^  max_queues/d'
refuses 'max_queues is no number' '/^max_queues/s/4/four/'
refuses 'neither yes, no nor device' '/^uio/s/yes/perhaps/'
refuses 'not known: screw' '/^bind/s/vfio-pci/screw/'
refuses 'second time' '/^uio/p'
refuses 'not understood' '/^uio/s/^/ /'
refuses 'igc has no pmd' '/^pmd/d'

python3 - "$profiles" <<'END' || fail 'profiles and drivers differ'
import glob, json, os, re, sys

def profile(path):
    text = re.sub(r'\n +(?=[^ ]*(, |\]))', ' ', open(path).read().split('sources:')[0])
    return dict(line.split(': ', 1) for line in text.splitlines() if re.match(r'[a-z_0-9]+: ', line))

def drivers(library):
    path = glob.glob('/usr/lib/*/dpdk/pmds-*/%s.so' % library)
    blob = open(path[0], 'rb').read() if path else b''
    infos = [json.loads(m) for m in re.findall(rb'PMD_INFO_STRING= (\{[^\0]*\})', blob)]
    return {info['name']: info for info in infos}

seen = 0
for path in sorted(glob.glob(os.path.join(sys.argv[1], '*.yaml'))):
    said = profile(path)
    if 'devices' not in said:
        continue
    info = drivers(said['library'])['mlx5_eth' if said['family'] == 'mlx5' else said['pmd']]
    want = sorted(int(x, 16) for x in said['devices'].strip('[]').split(', '))
    assert sorted(i[1] for i in info['pci_ids']) == want, path
    assert {i[0] for i in info['pci_ids']} == {int(said['vendor'], 16)}, path
    assert ('uio_pci_generic' in info['kmod']) == (said['uio'] == 'yes'), path
    assert ('vfio-pci' in info['kmod']) == (said['bind'] == 'vfio-pci'), path
    seen += len(want)
    print('ok: %s: %d PCI devices and the modules, as in %s' % (said['family'], len(want), said['library']))
assert seen > 200, seen
END

echo '== drop-ins of the unit'
for line in 'DeviceAllow=/dev/vfio/vfio rw' 'DeviceAllow=char-vfio rw'; do
  grep -qx "$line" "$XORD_SRC/drivers-config/xord.service.d/vfio.conf" || fail "vfio.conf lacks $line: the container is a device of its own"
done
grep -qx 'DeviceAllow=char-uio rw' "$XORD_SRC/drivers-config/xord.service.d/uio.conf" || fail 'uio.conf lacks its device'
ok 'what they open they may'

#!/bin/sh
# Installs the Debian packages that are named and missing: as root at once, otherwise by telling how.
set -eu

missing=
for name in "$@"; do
	if ! dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed'; then
		missing="$missing $name"
	fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "Something is missing. Please run:" >&2
	echo "  sudo sh test/packages.sh$missing" >&2
	exit 1
fi
# Tests start their servers themselves; as services these would take the ports of make run.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list
apt-get install -y -qq --no-install-recommends $missing

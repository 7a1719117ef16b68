#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, through the package
# registries alone: PostgreSQL's server binaries, Python with boto3 and the
# AWS CLI as real clients, and the C compiler that Go's race detector links
# with; the programs that make file systems and disk images, Debian's registry
# of images, a program that copies images and its NATS server; Chromium, and what drives it. What is there
# already is left alone.
#
#   test/needs.sh check   warns about what is missing
#   test/needs.sh all     installs it (Debian and its kin, as root or by sudo)
set -euo pipefail
mode=${1:-all}

have_postgres() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
have_compiler() { command -v "$(go env CC 2>/dev/null || echo gcc)" >/dev/null 2>&1; }
have_program()  { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
have_boto3()    { command -v python3 >/dev/null 2>&1 && python3 -c 'import boto3' >/dev/null 2>&1; }

here=$(cd "$(dirname "$0")" && pwd)
if [ ! -e "$here/browser/node_modules/.installed" ]; then
  if [ "$mode" = check ]; then
    echo "tests in a browser are part of 'make test' only" >&2
  else
    (cd "$here/browser" && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed)
  fi
fi

missing=()
have_postgres || missing+=(postgresql)
command -v dpkg >/dev/null 2>&1 && { command -v aws >/dev/null 2>&1 || missing+=(awscli); }
while read -r program package; do
  have_program "$program" || missing+=("$package")
done <<'END'
mkfs.ext4 e2fsprogs
mkfs.xfs xfsprogs
sfdisk fdisk
qemu-img qemu-utils
docker-registry docker-registry
nats-server nats-server
skopeo skopeo
systemd-analyze systemd
chromium chromium
git git
END
have_boto3 || missing+=(python3-boto3)
# Japanese pages are blank without a font that has its characters.
[ "$mode" = check ] || [ -n "$(fc-list :lang=ja 2>/dev/null)" ] || missing+=(fonts-vlgothic fontconfig)
# Only 'make test' runs with the race detector.
[ "$mode" = check ] || have_compiler || missing+=(gcc libc6-dev)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$mode" = check ]; then
  echo "tests that need ${missing[*]} will be skipped: 'make test' installs them" >&2
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "please install: ${missing[*]} (no apt-get on this machine)" >&2
  exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
export DEBIAN_FRONTEND=noninteractive
# No cluster of the distribution's own: the tests make and remove theirs.
$sudo mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"

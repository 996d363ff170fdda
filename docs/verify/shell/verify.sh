#!/usr/bin/env bash
# Verifies a webhook that Peal sent, with bash and openssl alone:
#
#   WEBHOOK_SECRET=whsec_… verify.sh standard HEADERS BODY
#
# HEADERS is a file with the request's headers, one "Name: value" on a line; BODY is a
# file with the body's bytes as they came, or - for stdin. WEBHOOK_OLD_SECRET may hold
# the other secret while you rotate. Ends with 0, or with 1 and the reason when the
# request is not to be trusted.
#
# The secret is never an argument of a command, since every user of a machine can see
# those; that is why the HMAC (RFC 2104) is made of two plain hashes here.
set -euo pipefail

tolerance=300 # how far a signed time may be from now, in both directions, in seconds

usage() {
	echo "usage: WEBHOOK_SECRET=… verify.sh standard|x-webhook|vikunja|github|stripe HEADERS BODY" >&2
	exit 2
}

refuse() {
	echo "refused $format: $1"
	exit 1
}

# header NAME: the value of a header, in any case; empty when it is not there.
header() {
	awk -v name="$1" '
		{ sub(/\r$/, "") }
		tolower(substr($0, 1, length(name) + 1)) == name ":" {
			sub(/^[^:]*:[ \t]*/, ""); sub(/[ \t]+$/, ""); print; exit
		}' "$headers"
}

need() {
	value=$(header "$1")
	[ -n "$value" ] || refuse "the header $1 is missing"
}

check_time() {
	[[ $1 =~ ^[0-9]{1,12}$ ]] || refuse "the timestamp is no number of unix seconds"
	local age=$(($(date +%s) - 10#$1))
	[ "${age#-}" -le "$tolerance" ] || refuse "the timestamp is more than 5 minutes from now"
}

to_hex() { od -An -v -tx1 | tr -d ' \n'; }
text_key() { printf %s "$1" | to_hex; }
standard_key() { printf %s "${1#whsec_}" | openssl base64 -d -A | to_hex; }

# bytes HEX N: the bytes of a text in hexadecimal, each xor N.
bytes() {
	local out='' byte i
	for ((i = 0; i < ${#1}; i += 2)); do
		printf -v byte '\\x%02x' $((0x${1:i:2} ^ $2))
		out+=$byte
	done
	printf %b "$out"
}

sha256() { openssl dgst -sha256 -binary; }

# hmac KEY: the HMAC-SHA256 of stdin, in bytes; KEY is in hexadecimal.
hmac() {
	local key=$1
	if [ ${#key} -gt 128 ]; then # longer than a block: its hash is the key
		key=$(bytes "$key" 0 | sha256 | to_hex)
	fi
	while [ ${#key} -lt 128 ]; do key+=00; done
	{
		bytes "$key" 0x5c
		{ bytes "$key" 0x36 && cat; } | sha256
	} | sha256
}

# sign KEY TEXT: the HMAC-SHA256 of a text and the body after it. An empty key is
# refused, since anybody can sign with that.
sign() {
	[ -n "$1" ] || return 1
	{ printf %s "$2" && cat "$body"; } | hmac "$1"
}

# accept_if WANT: ends the script well when one of the signatures is this. Both are
# hashed with a nonce first, so that the time that comparing takes tells nothing.
accept_if() {
	local signature
	for signature in "${signatures[@]}"; do
		if [ "$(nonced "$signature")" = "$(nonced "$1")" ]; then
			echo "verified $format: $(wc -c <"$body" | tr -d ' ') bytes"
			exit 0
		fi
	done
}

nonced() { printf '%s%s' "$nonce" "$1" | openssl dgst -sha256 -r; }

wrong="no signature fits: another secret signed, or the body is not what was sent"
unusable="a secret is empty, or not whsec_ and base64"

verify_standard() {
	local id timestamp secret mac
	need webhook-id && id=$value
	need webhook-timestamp && timestamp=$value
	need webhook-signature && read -ra signatures <<<"$value" # several while the sender rotates
	check_time "$timestamp"
	for secret in "${secrets[@]}"; do
		mac=$(sign "$(standard_key "$secret")" "$id.$timestamp." | openssl base64 -A) || refuse "$unusable"
		accept_if "v1,$mac"
	done
	refuse "$wrong"
}

# verify_hex NAME PREFIX: a signature in hexadecimal over the body alone.
verify_hex() {
	local secret mac
	need "$1" && signatures=("$value")
	for secret in "${secrets[@]}"; do
		mac=$(sign "$(text_key "$secret")" "" | to_hex) || refuse "$unusable"
		accept_if "$2$mac"
	done
	refuse "$wrong"
}

verify_x_webhook() {
	# The signature does not cover the time: this stops honest mistakes only.
	local timestamp
	timestamp=$(header x-webhook-timestamp)
	[ -z "$timestamp" ] || check_time "$timestamp"
	verify_hex x-webhook-signature sha256=
}

verify_stripe() {
	local part parts timestamp='' secret mac
	signatures=('')
	need stripe-signature && IFS=', ' read -ra parts <<<"$value"
	for part in "${parts[@]}"; do
		case $part in
		t=*) timestamp=${part#t=} ;;
		v1=*) signatures+=("${part#v1=}") ;;
		esac
	done
	check_time "$timestamp"
	for secret in "${secrets[@]}"; do # whsec_ belongs to the key here
		mac=$(sign "$(text_key "$secret")" "$timestamp." | to_hex) || refuse "$unusable"
		accept_if "$mac"
	done
	refuse "$wrong"
}

if [ $# -ne 3 ] || [ -z "${WEBHOOK_SECRET:-}" ]; then
	usage
fi
format=$1 headers=$2 body=$3
nonce=$(openssl rand -hex 32)
secrets=("$WEBHOOK_SECRET")
[ -z "${WEBHOOK_OLD_SECRET:-}" ] || secrets+=("$WEBHOOK_OLD_SECRET")
if [ "$body" = - ]; then
	body=$(mktemp)
	trap 'rm -f "$body"' EXIT
	cat >"$body"
fi

case $format in
standard) verify_standard ;;
x-webhook) verify_x_webhook ;;
vikunja) verify_hex x-vikunja-signature '' ;;
github) verify_hex x-hub-signature-256 sha256= ;;
stripe) verify_stripe ;;
*) usage ;;
esac

#!/bin/sh
# Certificates for a broker and for those who talk to it: sh certificates.sh FOLDER BROKER NAME...
#
#   sh certificates.sh ~/fleet broker.local operator homeassistant shop-door gate
#
# BROKER is the name or address in the URL that stations are given. Each NAME gets NAME.pem and NAME.key; it is what the
# broker calls its owner, and so the --mqtt-device of a station. What is there already stays, and FOLDER/ca.key is made
# once: keep it where neither the broker nor a station is. Who has it can make certificates that the broker takes.
#
# NAME.pem and server.pem end after 825 days, ca.pem after ten years: openssl x509 -enddate -noout -in NAME.pem says when.
# Before that remove NAME.pem, run this again with the same names, and bring the new NAME.pem and NAME.key to their owner.
set -eu
umask 077

folder=${1:?folder}
broker=${2:?name or address of the broker}
shift 2
mkdir -p "$folder"
cd "$folder"

new="req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
case $broker in
  *:*) names="IP:$broker" ;;
  *[!0-9.]*) names="DNS:$broker" ;;
  *) names="IP:$broker" ;;
esac

# quietly COMMAND...: what it says is shown where it fails.
quietly() {
  "$@" 2> said || { cat said >&2; rm said; exit 1; }
  rm said
}

# issue NAME EXTENSION...: NAME.key, and NAME.pem signed by the authority.
issue() {
  name=$1
  shift
  if [ -e "$name.pem" ]; then return; fi
  printf '%s\n' "authorityKeyIdentifier=keyid" "$@" > "$name.ext"
  quietly openssl $new -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
  quietly openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile "$name.ext" \
    -out "$name.new"
  mv "$name.new" "$name.pem"
  rm "$name.csr" "$name.ext"
  echo "$folder/$name.pem"
}

for name in "$@"; do
  case $name in
    ca | server | *[!A-Za-z0-9_-]* | "") echo "$name cannot name a device: letters, digits, - and _" >&2; exit 2 ;;
  esac
done
if [ ! -e ca.pem ]; then
  quietly openssl $new -x509 -days 3650 -subj "/CN=edgecnn fleet" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout ca.key -out ca.new
  mv ca.new ca.pem
fi
issue server "subjectAltName=$names" "extendedKeyUsage=serverAuth"
for name in "$@"; do
  issue "$name" "extendedKeyUsage=clientAuth"
done

#!/bin/sh
# Makes the certificates of the TLS tests: valid for a hundred years, but for one that has ended. The keys protect nothing.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
sign() { # name subject-alternative-name start end
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
  openssl ca -batch -config ca.cnf -in "$1.csr" -extfile "$1.ext" -startdate "$3" -enddate "$4" -out "$1.crt" -notext
  rm -f "$1.csr" "$1.ext"
}
cat >ca.cnf <<'CNF'
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
private_key = ca.key
certificate = ca.crt
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CNF
: >index.txt
key ca
openssl req -x509 -new -key ca.key -subj '/CN=test authority' -days 36500 -out ca.crt
sign server IP:127.0.0.1,DNS:localhost,DNS:web.example 20200101000000Z 21200101000000Z
sign ended IP:127.0.0.1,DNS:localhost 20200101000000Z 20200201000000Z
sign client DNS:client.example 20200101000000Z 21200101000000Z
rm -f index.txt* ca.cnf ./*.pem ca.key

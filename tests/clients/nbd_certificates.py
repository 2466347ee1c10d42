"""Authorities and certificates for the tests of NBD over TLS, made by openssl."""

import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def make_authority(folder, name):
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-keyout", key, "-out", certificate)
    return certificate, key


def sign(folder, name, authority, names, usage):
    """A certificate and its key, signed by the authority."""
    certificate, key, request = (folder / f"{name}{ending}" for ending in ("-cert.pem", "-key.pem", ".csr"))
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
                          f"extendedKeyUsage={usage}\nbasicConstraints=critical,CA:FALSE\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1], "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", certificate)
    return certificate, key

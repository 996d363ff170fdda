package egress

import (
	"crypto/x509"
	"os"

	"github.com/pealhq/peal"
)

// authorities gives those whose certificates are trusted; nil for the system's alone.
func authorities(o Options) (*x509.CertPool, error) {
	if o.CAFile == "" {
		return o.RootCAs, nil
	}
	content, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, &peal.Error{Code: peal.Invalid, Field: "egress.ca_file", Message: "names a file that cannot be read", Err: err}
	}
	pool := o.RootCAs
	if pool == nil {
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, &peal.Error{Code: peal.Invalid, Field: "egress.ca_file", Message: "cannot be added to the system's authorities", Err: err}
		}
	} else {
		pool = pool.Clone()
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, peal.Invalidf("egress.ca_file", "names a file without a certificate in PEM: %s", o.CAFile)
	}
	return pool, nil
}

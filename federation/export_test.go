package federation

import "crypto/x509"

// Names are what a certificate says about whom it is for.
func Names(c *x509.Certificate) ([]string, error) {
	d, err := readIdentities(c)
	if err != nil {
		return nil, err
	}
	_, _ = d.forDNS("b.example"), d.forOther("b.example")
	return d.list(), nil
}

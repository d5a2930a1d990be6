package listen

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	certLife = 397 * 24 * time.Hour // the longest that every platform accepts
	renewAt  = 30 * 24 * time.Hour  // before its end

	certFileName = "self-signed.crt"
	keyFileName  = "self-signed.key"
)

// ownCertificate makes and keeps the certificate of a server that was given none.
type ownCertificate struct {
	dir, domain string
	last        []byte
}

func (o *ownCertificate) load(now time.Time) (*tls.Certificate, error) {
	cert, err := o.loadOrMake(now)
	if err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	if bytes.Equal(cert.Certificate[0], o.last) {
		return nil, nil
	}
	o.last = cert.Certificate[0]
	return cert, nil
}

func (o *ownCertificate) loadOrMake(now time.Time) (*tls.Certificate, error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, err
	}
	key, keyPEM, err := o.key()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.dir, certFileName)
	certPEM, err := os.ReadFile(path)
	if err == nil {
		// One that does not fit any more is simply made anew: nothing is lost with it.
		if cert, err := tls.X509KeyPair(certPEM, keyPEM); err == nil && o.fits(cert.Leaf, now) {
			return &cert, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, o.template(now), o.template(now), key.Public(), key)
	if err != nil {
		return nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := writeWhole(path, certPEM); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

// key is the same for as long as its file exists: clients and people who remember it see no change
// when the certificate is renewed.
func (o *ownCertificate) key() (*ecdsa.PrivateKey, []byte, error) {
	path := filepath.Join(o.dir, keyFileName)
	text, err := os.ReadFile(path)
	if err == nil {
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, nil, fmt.Errorf("%s holds no key; remove it, and a new one is made", path)
		}
		k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w; remove it, and a new one is made", path, err)
		}
		key, ok := k.(*ecdsa.PrivateKey)
		if !ok {
			return nil, nil, fmt.Errorf("%s holds a key of another kind; remove it, and a new one is made", path)
		}
		return key, text, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, text, writeWhole(path, text)
}

// names are those for which the certificate is: the domain and its groups.
func (o *ownCertificate) names() (dns []string, ips []net.IP) {
	if ip := net.ParseIP(o.domain); ip != nil {
		return nil, []net.IP{ip}
	}
	dns = []string{o.domain, "groups." + o.domain}
	if o.domain == "localhost" {
		ips = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	return dns, ips
}

func (o *ownCertificate) template(now time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial) // never fails
	serial[0] &= 0x7f
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: o.domain, Organization: []string{"Kith, self-signed"}},
		// The clocks of clients may be slow.
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(certLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	t.DNSNames, t.IPAddresses = o.names()
	return t
}

func (o *ownCertificate) fits(leaf *x509.Certificate, now time.Time) bool {
	dns, ips := o.names()
	return now.After(leaf.NotBefore) && now.Add(renewAt).Before(leaf.NotAfter) &&
		slices.Equal(leaf.DNSNames, dns) &&
		slices.EqualFunc(leaf.IPAddresses, ips, net.IP.Equal)
}

// writeWhole replaces a file so that it is there wholly or as before, for its owner only.
func writeWhole(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"kith/internal/sasl"
	"kith/server/auth"
)

// verifier is what SCRAM checks a password with (RFC 5802 section 3). The bytes are base64.
type verifier struct {
	Mechanism  string `json:"mechanism"`
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"storedKey"`
	ServerKey  []byte `json:"serverKey"`
}

// mechanisms are those that verifiers are asked for.
func mechanisms(p auth.Params) []string {
	var out []string
	for _, h := range p.Hashes {
		out = append(out, "SCRAM-"+string(h))
	}
	return out
}

// credential is what the accounts service takes. Whether it is all that is needed is found out there.
func credential(in []verifier) (auth.NewCredential, error) {
	cred := auth.NewCredential{Verifiers: []sasl.Verifier{}}
	for _, v := range in {
		hash, plus, ok := sasl.Mechanism(v.Mechanism).Scram()
		if !ok || plus {
			return cred, errors.New("unknown mechanism in verifiers")
		}
		cred.Verifiers = append(cred.Verifiers, sasl.Verifier{
			Hash: hash, Salt: v.Salt, Iterations: v.Iterations, StoredKey: v.StoredKey, ServerKey: v.ServerKey,
		})
	}
	return cred, nil
}

func decode(r *http.Request, into any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return errors.New("the content must be application/json")
	}
	d := json.NewDecoder(r.Body)
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON")
	}
	return nil
}

// refuseBody answers a request that cannot be read.
func refuseBody(c echo.Context, err error) error {
	var large *http.MaxBytesError
	var he *echo.HTTPError
	if errors.As(err, &large) || errors.As(err, &he) {
		return echo.ErrStatusRequestEntityTooLarge
	}
	return c.JSON(http.StatusBadRequest, apiError{Error: "bad-request", Detail: err.Error()})
}

package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
)

// A jwk is a key as an issuer publishes it (RFC 7517, 7518, 8037).
type jwk struct {
	ID    string `json:"kid"`
	Kind  string `json:"kty"`
	Use   string `json:"use"`
	Curve string `json:"crv"`
	N     string `json:"n"` // RSA
	E     string `json:"e"`
	X     string `json:"x"` // curves
	Y     string `json:"y"`
}

// maxKeys bounds what an issuer publishes, in bytes.
const maxKeys = 1 << 20

// fetchKeys asks for the keys that an issuer signs with and that have an id.
func fetchKeys(ctx context.Context, client *http.Client, url string) ([]jwk, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get keys: %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxKeys))
	if err != nil {
		return nil, fmt.Errorf("get keys: %w", err)
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	signing := set.Keys[:0]
	for _, j := range set.Keys {
		if j.ID != "" && (j.Use == "" || j.Use == "sig") {
			signing = append(signing, j)
		}
	}
	return signing, nil
}

// public is the key itself.
func (j *jwk) public() (crypto.PublicKey, error) {
	n, e, x, y := j.number(j.N), j.number(j.E), j.number(j.X), j.number(j.Y)
	if j.Kind == "RSA" {
		if n.Sign() == 0 || e.Sign() == 0 || e.BitLen() > 31 {
			return nil, errors.New("it is no RSA key")
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
	}
	switch curve := curves(j.Curve); {
	case j.Kind == "EC" && curve != nil:
		size := (curve.Params().BitSize + 7) / 8
		if x.BitLen() > 8*size || y.BitLen() > 8*size {
			return nil, errors.New("it is no point of its curve")
		}
		point := make([]byte, 1+2*size)
		point[0] = 4 // uncompressed
		x.FillBytes(point[1 : 1+size])
		y.FillBytes(point[1+size:])
		return ecdsa.ParseUncompressedPublicKey(curve, point)
	case j.Kind == "OKP" && j.Curve == "Ed25519" && x.BitLen() <= 8*ed25519.PublicKeySize:
		return ed25519.PublicKey(x.FillBytes(make([]byte, ed25519.PublicKeySize))), nil
	}
	return nil, fmt.Errorf("it is of a kind that is not supported: %s %s", j.Kind, j.Curve)
}

// number reads a big-endian number; 0 for what is none.
func (j *jwk) number(text string) *big.Int {
	digits, err := base64url.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		digits = nil
	}
	return new(big.Int).SetBytes(digits)
}

// curves are those of ECDSA's algorithms; nil for others.
func curves(name string) elliptic.Curve {
	switch name {
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	}
	return nil
}

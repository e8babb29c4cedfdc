package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// published is a key as an issuer publishes it.
func published(id string, key crypto.Signer) map[string]string {
	text := base64.RawURLEncoding.EncodeToString
	switch key := key.Public().(type) {
	case *rsa.PublicKey:
		return map[string]string{"kid": id, "kty": "RSA", "use": "sig", "n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, _ := key.Bytes()
		half := len(point) / 2
		return map[string]string{"kid": id, "kty": "EC", "crv": key.Params().Name, "x": text(point[1 : 1+half]), "y": text(point[1+half:])}
	case ed25519.PublicKey:
		return map[string]string{"kid": id, "kty": "OKP", "crv": "Ed25519", "x": text(key)}
	}
	return nil
}

func TestKeysOfEveryKindAreRead(t *testing.T) {
	curve := func(c elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		must(t, err)
		return key
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signers := map[jwt.SigningMethod]crypto.Signer{
		jwt.SigningMethodRS256: big, jwt.SigningMethodPS256: big, jwt.SigningMethodEdDSA: edwards,
		jwt.SigningMethodES256: curve(elliptic.P256()), jwt.SigningMethodES384: curve(elliptic.P384()), jwt.SigningMethodES512: curve(elliptic.P521()),
	}
	set := []any{
		map[string]string{"kid": "k256", "kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ"},
		map[string]any{"kid": "chain", "kty": "RSA", "x5c": []string{"AQ"}},
		map[string]string{"kid": "nowhere", "kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"},
		map[string]string{"kid": "long", "kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(make([]byte, 99))},
		map[string]string{"kid": "secret", "kty": "oct", "k": "AQ"},
	}
	for method, key := range signers {
		set = append(set, published(method.Alg(), key))
		sealing := published("sealing-"+method.Alg(), key)
		sealing["use"] = "enc"
		set = append(set, sealing)
	}
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": server.URL, "jwks_uri": server.URL + "/keys", "keys": set})
	}))
	defer server.Close()
	v := verifier(t, Config{Now: (&wall{noon}).Now, OIDC: []OIDC{{Issuer: server.URL, Audience: "ledger", Algorithms: knownAlgorithms}}})
	claims := map[string]any{"iss": server.URL, "aud": "ledger", "sub": "ani", "exp": noon.Add(time.Hour).Unix()}
	for method, key := range signers {
		wants(t, v, forged(t, key, method, map[string]any{"kid": method.Alg()}, claims), nil)
		wants(t, v, altered(forged(t, key, method, map[string]any{"kid": method.Alg()}, claims)), ErrInvalid)
	}
	wants(t, v, forged(t, big, jwt.SigningMethodRS256, map[string]any{"kid": "ES256"}, claims), ErrInvalid)
	wants(t, v, forged(t, big, jwt.SigningMethodRS256, map[string]any{"kid": "sealing-RS256"}, claims), ErrInvalid) // a key for something else
}

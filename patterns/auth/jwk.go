package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// jwk is a public key of a JWKS (RFC 7517, 7518, 8037).
type jwk struct {
	Kty    string   `json:"kty"`
	Kid    string   `json:"kid"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"`
	Alg    string   `json:"alg"`
	N      string   `json:"n"`
	E      string   `json:"e"`
	Crv    string   `json:"crv"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
}

// key is one that can verify signatures.
type key struct {
	id     string
	alg    string // "": any that fits its type
	public crypto.PublicKey
}

const (
	minRSABits = 2048
	maxRSABits = 16384 // verifying takes the square of it
)

// parseJWKS reads the keys that verify signatures. A key that it cannot use is
// left out, as RFC 7517 asks; a set without any is an error that says why.
func parseJWKS(b []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("not a JWKS: %w", err)
	}
	var keys []key
	var faults []error
	for i, raw := range set.Keys {
		k, err := parseJWK(raw)
		if err != nil {
			faults = append(faults, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the JWKS has no key to verify with, of %d: %w", len(set.Keys), errors.Join(faults...))
	}
	return keys, nil
}

func parseJWK(raw []byte) (key, error) {
	var j jwk
	if err := json.Unmarshal(raw, &j); err != nil {
		return key{}, err
	}
	if j.Use != "" && j.Use != "sig" {
		return key{}, fmt.Errorf("is for %q, not for signatures", j.Use)
	}
	k := key{id: j.Kid, alg: j.Alg}
	var err error
	switch j.Kty {
	case "RSA":
		k.public, err = j.rsa()
	case "EC":
		k.public, err = j.ec()
	case "OKP":
		k.public, err = j.ed25519()
	default:
		err = fmt.Errorf("type %q is not RSA, EC or OKP", j.Kty)
	}
	return k, err
}

func number(field, s string) (*big.Int, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%s is not base64url", field)
	}
	return new(big.Int).SetBytes(b), nil
}

func (j *jwk) rsa() (crypto.PublicKey, error) {
	n, err := number("n", j.N)
	if err != nil {
		return nil, err
	}
	e, err := number("e", j.E)
	if err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("RSA key of %d bits; want %d to %d", bits, minRSABits, maxRSABits)
	}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 || e.Bit(0) == 0 {
		return nil, errors.New("RSA exponent is not an odd number from 3 to 2^31-1")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (j *jwk) ec() (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch j.Crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, fmt.Errorf("curve %q is not P-256, P-384 or P-521", j.Crv)
	}
	size := (curve.Params().BitSize + 7) / 8
	point := []byte{4} // uncompressed
	for name, s := range map[string]string{"x": j.X, "y": j.Y} {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || len(b) != size {
			return nil, fmt.Errorf("%s is not %d bytes in base64url", name, size)
		}
	}
	x, _ := base64.RawURLEncoding.DecodeString(j.X) // decoded above
	y, _ := base64.RawURLEncoding.DecodeString(j.Y)
	k, err := ecdsa.ParseUncompressedPublicKey(curve, append(append(point, x...), y...))
	if err != nil {
		return nil, fmt.Errorf("the point is not on %s: %w", j.Crv, err)
	}
	return k, nil
}

func (j *jwk) ed25519() (crypto.PublicKey, error) {
	if j.Crv != "Ed25519" {
		return nil, fmt.Errorf("curve %q is not Ed25519", j.Crv)
	}
	b, err := base64.RawURLEncoding.DecodeString(j.X)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("x is not %d bytes in base64url", ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(b), nil
}

// fits reports whether the key can verify an algorithm. An ES256 signature by a
// P-384 key, or an RS256 one by an EC key, is a confusion that must not pass.
func (k *key) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		switch alg {
		case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
			return true
		}
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[p.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

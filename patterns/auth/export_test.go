package auth

// ParseJWKS lets the fuzz target in.
func ParseJWKS(b []byte) (int, error) {
	k, err := parseJWKS(b)
	return len(k), err
}

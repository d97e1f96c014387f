package driver

// Hash maps a key to one of n partitions, n > 0, for drivers whose broker
// leaves that to the client: FNV-1a of 32 bits, then its high bits, since the
// low ones of short keys are poorly mixed. It never changes: two versions of a
// program publish side by side.
func Hash(key string, n int) int32 {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	h ^= h >> 16
	h *= 0x7feb352d // one round of a finalizer with full avalanche
	h ^= h >> 15
	return int32(uint64(h) * uint64(n) >> 32)
}

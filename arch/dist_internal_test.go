package arch

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The table gives the bucket that the logarithm gives, everywhere and above all
// at the borders.
func TestBucketOf(t *testing.T) {
	t.Parallel()
	want := func(v float64) int32 { return int32(math.Ceil(math.Log(v)/logGamma - 1e-9)) }
	check := func(v float64) {
		if got := bucketOf(v); got != want(v) {
			t.Fatalf("%v (%x): %d, want %d", v, math.Float64bits(v), got, want(v))
		}
	}
	for i := -3000; i < 3000; i++ {
		v := math.Pow(gamma, float64(i))
		for range 20 {
			check(v)
			v = math.Nextafter(v, 0)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(math.Exp(r.Float64()*200 - 100))
		check(float64(r.Int64N(1e12)+1) / 1e9)
	}
	for _, v := range []float64{math.SmallestNonzeroFloat64, 0x1p-1022, 0x1p-1023, math.MaxFloat64, 1, 2, .5, 1e-9} {
		check(v)
	}
	if bucketOf(0) != bucketZero || bucketOf(-1) != bucketZero {
		t.Error("what is not above zero has a bucket of its own")
	}
}

package seed

import (
	"math"
	"math/rand/v2"
	"sort"
)

// chance draws what a household is like. Each household has its own, made of
// the seed and its number, so that any household can be made alone, in any
// order, on any core, and is always the same.
type chance struct{ *rand.Rand }

// Purposes that draw separately: what one asks for does not move the other.
const (
	forHome = iota + 1
	forAreas
	forPlant
	forEvents
	forHelper
	forMask
	forSpelling
	forAnswers
)

func (c *Country) chance(n uint64, purpose uint64) chance {
	return chance{rand.New(rand.NewPCG(mix(c.cfg.Seed, n), mix(purpose, n)))}
}

// mix scatters two numbers into one (the finaliser of SplitMix64).
func mix(a, b uint64) uint64 {
	z := a*0x9e3779b97f4a7c15 ^ (b + 0x632be59bd9b4e019)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r chance) is(p float64) bool { return r.Float64() < p }

// normal is a draw around mean, never further than three deviations.
func (r chance) normal(mean, deviation float64) float64 {
	return mean + deviation*min(3, max(-3, r.NormFloat64()))
}

func (r chance) between(from, to float64) float64 { return from + (to-from)*r.Float64() }

// pick draws an index in proportion to the weights.
func (r chance) pick(weights ...float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	at := r.Float64() * total
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// table draws from many weights in the time of a binary search.
type table []float64

func newTable(weights []float64) table {
	t := make(table, len(weights))
	sum := 0.0
	for i, w := range weights {
		sum += w
		t[i] = sum
	}
	return t
}

// at is the index where a share (0 up to 1) of the whole weight is passed.
func (t table) at(share float64) int {
	return min(sort.SearchFloat64s(t, share*t[len(t)-1]), len(t)-1)
}

// zipf weighs ranks as names are spread: the commonest name is borne by a few in
// a hundred, and the tail is long (Zipf–Mandelbrot).
func zipf(n int) table {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = math.Pow(float64(i)+2.7, -1.05)
	}
	return newTable(weights)
}

// shuffle is a permutation of 0 … a*b-1 (an unbalanced Feistel network): numbers
// that look drawn and never meet. Each salt has another order.
func shuffle(n, a, b, salt uint64) uint64 {
	l, r := n/b%a, n%b
	for round := range uint64(4) {
		l = (l + mix(r, salt<<8|round)%a) % a
		r = (r + mix(l, salt<<8|round|16)%b) % b
	}
	return l*b + r
}

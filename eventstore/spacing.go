package eventstore

// Spacing is how far apart the positions of two records are that follow each
// other: 1 unless the store says otherwise, whose positions may be places in files.
func Spacing(s Store) float64 {
	if s, ok := s.(interface{ Spacing() float64 }); ok {
		return max(1, s.Spacing())
	}
	return 1
}

// Between is about how many records stand after one position, up to another one.
// It is 0 only where there are none.
func Between(s Store, after, upTo Position) uint64 {
	if upTo <= after {
		return 0
	}
	return max(1, uint64(float64(upTo-after)/Spacing(s)))
}

//go:build race

package match_test

// racing is true under the race detector, which allocates additional memory.
const racing = true

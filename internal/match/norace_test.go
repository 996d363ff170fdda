//go:build !race

package match_test

// racing is true under the race detector, which allocates memory of its own.
const racing = false

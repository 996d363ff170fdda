//go:build !unix

package server

import "math"

// openableFiles returns the number of files and connections that the process may have open.
func openableFiles() int { return math.MaxInt }

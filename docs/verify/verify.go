// Package verify holds the verification code for receivers in each language, so that
// the server's pages can show it.
package verify

import "embed"

// Files are the samples: LANGUAGE/verify.EXTENSION each.
//
//go:embed csharp/Verify.cs go/verify.go java/Verify.java javascript/verify.mjs php/verify.php python/verify.py ruby/verify.rb shell/verify.sh
var Files embed.FS

package main

import (
	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/config"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/wire"
)

// customFormats makes the formats that the configuration file describes; their retry
// policies change the one that is inherited. The field of an error is a place in the file.
func customFormats(loaded *config.Loaded, inherited peal.RetryPolicy) ([]*wire.Format, error) {
	definitions := make([]custom.Definition, len(loaded.Formats))
	for i, f := range loaded.Formats {
		d := custom.Definition{
			Name: f.Name, Title: f.Title, Body: f.Body, BodyRaw: f.BodyRaw, ContentType: f.ContentType, Headers: f.Headers,
		}
		if s := f.Signature; s != nil {
			d.Signature = &custom.Signature{
				Header: s.Header, Algorithm: s.Algorithm, Encoding: s.Encoding, Prefix: s.Prefix,
				Content: s.Content, SecretEncoding: s.SecretEncoding,
			}
		}
		if f.Policy != nil {
			policy := f.Policy(inherited)
			d.RetryPolicy = &policy
		}
		definitions[i] = d
	}
	return custom.NewAll(definitions, loaded.Variables)
}

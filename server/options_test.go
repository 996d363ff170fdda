package server_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/server"
)

func TestDefaultOptionsAreValid(t *testing.T) {
	if err := server.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}

func TestOptionsValidate(t *testing.T) {
	for name, test := range map[string]struct {
		change func(o *server.Options)
		field  string // "" when it is valid
	}{
		"no listening":          {func(o *server.Options) { o.Listen = "" }, ""},
		"every address":         {func(o *server.Options) { o.Listen = ":8420" }, ""},
		"no port":               {func(o *server.Options) { o.Listen = "127.0.0.1" }, "listen"},
		"port out of range":     {func(o *server.Options) { o.Listen = "127.0.0.1:65536" }, "listen"},
		"port by name":          {func(o *server.Options) { o.Listen = "127.0.0.1:https" }, "listen"},
		"no data":               {func(o *server.Options) { o.Data = "" }, "data"},
		"database elsewhere":    {func(o *server.Options) { o.Database = "sqlite:/tmp/x.db" }, ""},
		"database without path": {func(o *server.Options) { o.Database = "sqlite:" }, "database"},
		"postgres":              {func(o *server.Options) { o.Database = "postgres://db.example.com/peal" }, ""},
		"unknown database":      {func(o *server.Options) { o.Database = "mysql://db/peal" }, "database"},
		"key of 32":             {func(o *server.Options) { o.OperatorKey = "12345678901234567890123456789012" }, ""},
		"key of 31":             {func(o *server.Options) { o.OperatorKey = "1234567890123456789012345678901" }, "operator_key"},
		"encryption key":        {func(o *server.Options) { o.EncryptionKey = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" }, ""},
		"short encryption key":  {func(o *server.Options) { o.EncryptionKey = "MDEyMzQ1Njc4OQ==" }, "encryption_key"},
		"largest data":          {func(o *server.Options) { o.MaxData = peal.LargestMaxData }, ""},
		"too large data":        {func(o *server.Options) { o.MaxData = peal.LargestMaxData + 1 }, "max_data"},
		"no data at all":        {func(o *server.Options) { o.MaxData = 0 }, "max_data"},
		"nothing in flight":     {func(o *server.Options) { o.MaxInFlight = 0 }, "max_in_flight"},
		"no grace":              {func(o *server.Options) { o.StopGrace = 0 }, ""},
		"negative grace":        {func(o *server.Options) { o.StopGrace = -time.Second }, "stop_grace"},
		"jitter":                {func(o *server.Options) { o.RetryPolicy.Jitter = 0.6 }, "retry_policy.jitter"},
	} {
		t.Run(name, func(t *testing.T) {
			o := server.DefaultOptions()
			test.change(&o)
			err := o.Validate()
			if test.field == "" {
				if err != nil {
					t.Errorf("is refused: %v", err)
				}
				return
			}
			var e *peal.Error
			if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != test.field {
				t.Errorf("got %v, want an invalid %s", err, test.field)
			}
		})
	}
}

// Options with nothing but a directory have every default.
func TestZeroOptions(t *testing.T) {
	s, err := server.New(t.Context(), server.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := server.New(t.Context(), server.Options{Data: t.TempDir(), MaxInFlight: 5}); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a zero beside a field that is set: %v, want invalid", err)
	}
}

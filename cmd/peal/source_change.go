package main

import (
	"fmt"
	"io"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// sourceFlags are the flags for a source's settings.
type sourceFlags struct {
	app         *app
	format      string
	secret      string
	unverified  bool
	dedup       string
	description string
	status      string
}

func (a *app) sourceFlags(cmd *cobra.Command) *sourceFlags {
	f := &sourceFlags{app: a}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.format, "format", "", "how its sender writes and signs, such as vikunja or standard")
	flags.StringVar(&f.secret, "secret", "", "what the sender signs with, or the Authorization value that it sends: the text, @PATH or -")
	flags.BoolVar(&f.unverified, "unverified", false, "take requests from anybody who knows the address, without a secret")
	flags.StringVar(&f.dedup, "dedup", "", "what makes a request a repeat: the sender's id (id, the default) or the whole body (body)")
	flags.StringVar(&f.status, "status", "", "active or disabled (every request is refused)")
	flags.StringVar(&f.description, "description", "", "what it is for")
	choices(cmd, "status", "active", "disabled")
	choices(cmd, "dedup", "id", "body")
	return f
}

// settings gives what the flags say; what is not given stays nil.
func (f *sourceFlags) settings(cmd *cobra.Command) (client.SourceRequest, error) {
	var s client.SourceRequest
	given := cmd.Flags().Changed
	for _, text := range []struct {
		flag  string
		value *string
		into  **string
	}{
		{"format", &f.format, &s.Format}, {"dedup", &f.dedup, &s.Dedup},
		{"description", &f.description, &s.Description}, {"status", &f.status, &s.Status},
	} {
		if given(text.flag) {
			*text.into = text.value
		}
	}
	if given("unverified") {
		s.Unverified = &f.unverified
	}
	if given("secret") {
		secret, err := f.app.line(f.secret)
		if err != nil {
			return s, err
		}
		s.Secret = &secret
	}
	return s, nil
}

func newSourcesCreateCommand(app *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a source; the answer shows the address for its sender",
		Long: `Create a source. NAME never changes: the ids of its events begin with it. A secret is
needed unless --unverified is given.`,
		Example: `  peal sources create tasks --format vikunja --secret @secret.txt
  peal sources create vpn --format wireguard-portal --secret 'Bearer s3cr3t-token'
  peal sources create licences --format dejacode --unverified`,
		Args: arguments("NAME"),
	}
	flags := app.sourceFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.settings(cmd)
		if err != nil {
			return err
		}
		if settings.Format == nil {
			return usagef(cmd, "--format is missing: say how the system that sends writes, such as vikunja or standard")
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		source, err := c.CreateSource(cmd.Context(), client.SourceCreateRequest{Name: args[0], SourceRequest: settings})
		if err != nil {
			return fmt.Errorf("create source %s: %w", args[0], err)
		}
		return app.show(func(w io.Writer) { app.printSource(w, source) })
	}
	return cmd
}

func newSourcesUpdateCommand(app *app) *cobra.Command {
	var clear []string
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Change settings of a source",
		Long: `Change the settings that are given and leave the others as they are. --clear takes
a setting away, so that the default holds again.`,
		Example: `  peal sources update source_01kahx2m6tf9v8c0dpy1r3s5ek --status disabled
  peal sources update source_01kahx2m6tf9v8c0dpy1r3s5ek --unverified --clear secret`,
		Args: arguments("ID"),
	}
	flags := app.sourceFlags(cmd)
	cmd.Flags().StringSliceVar(&clear, "clear", nil, "settings to take away, such as secret, dedup, description")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := flags.settings(cmd)
		if err != nil {
			return err
		}
		settings.Clear = clear
		if reflect.ValueOf(settings).IsZero() {
			return usagef(cmd, "name a setting to change")
		}
		c, err := app.connect()
		if err != nil {
			return err
		}
		source, err := c.UpdateSource(cmd.Context(), args[0], settings)
		if err != nil {
			return fmt.Errorf("update source %s: %w", args[0], err)
		}
		return app.show(func(w io.Writer) { app.printSource(w, source) })
	}
	return cmd
}

func newSourcesRotateCommand(app *app) *cobra.Command {
	return newRotateCommand(app, rotation{
		Thing: "source", Old: "is taken", Flag: "is taken too",
		Long: `Give a source a new secret. During the overlap requests with the old one are taken
too, so that the sender can change over without losing any.`,
		Example: "  peal sources rotate-secret source_01kahx2m6tf9v8c0dpy1r3s5ek --secret @new.txt --overlap 2d",
		Rotate:  (*client.Client).RotateSourceSecret,
	})
}

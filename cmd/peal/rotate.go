package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// rotation is what a command that gives something a new secret is made of.
type rotation struct {
	Thing         string // "webhook"
	Long, Example string
	Old           string // what the old secret does meanwhile: "signs"
	Flag          string // the same in the help of --overlap
	Rotate        func(c *client.Client, ctx context.Context, id string, body client.RotateRequest) (client.Rotation, error)
}

// optional returns a pointer to a text; nil for "", which leaves the choice to the server.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func newRotateCommand(app *app, r rotation) *cobra.Command {
	overlap := span(24 * time.Hour)
	var own string
	cmd := &cobra.Command{
		Use:     "rotate-secret ID",
		Short:   "Give a " + r.Thing + " a new secret",
		Long:    r.Long,
		Example: r.Example,
		Args:    arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			secret, err := app.line(own)
			if err != nil {
				return err
			}
			c, err := app.connect()
			if err != nil {
				return err
			}
			rotated, err := r.Rotate(c, cmd.Context(), args[0], client.RotateRequest{Secret: optional(secret), OverlapSeconds: new(int(time.Duration(overlap).Seconds()))})
			if err != nil {
				return fmt.Errorf("rotate the secret of %s %s: %w", r.Thing, args[0], err)
			}
			return app.show(func(w io.Writer) {
				fields(w, []field{{"secret", rotated.Secret}, {"the old one " + r.Old + " until", exact(rotated.PreviousExpiresAt)}})
			})
		},
	}
	cmd.Flags().Var(&overlap, "overlap", "how long the old secret "+r.Flag)
	cmd.Flags().StringVar(&own, "secret", "", "secret of your own: the text, @PATH or - (default: one is made)")
	return cmd
}

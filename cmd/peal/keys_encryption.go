package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// encryptionPoll is how often a change of the encryption key is looked at.
const encryptionPoll = 200 * time.Millisecond

func newKeysRotateEncryptionCommand(app *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate-encryption",
		Short: "Seal all secrets at rest with a new encryption key",
		Long: `Seal all secrets in the database with a new encryption key, in small steps while the
server goes on. The command waits for the end; when it is interrupted, or the server is,
the server goes on by itself, also after a restart.

The key file of the data directory gets a new random key, and loses the old one at the
end: keep a copy of the old one for as long as you keep older backups. Where the
configuration brings the key (PEAL_ENCRYPTION_KEY), first put a new one before it,
separated by a comma, and restart; take the old one out when this command has ended.`,
		Example: "  peal keys rotate-encryption",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.connect()
			if err != nil {
				return err
			}
			encryption, err := c.RotateEncryption(cmd.Context())
			if err != nil {
				return fmt.Errorf("rotate the encryption key: %w", err)
			}
			if encryption, err = app.followRotation(cmd.Context(), c, encryption); err != nil {
				return err
			}
			return app.show(func(w io.Writer) {
				fields(w, []field{
					{"key", encryption.KeyID},
					{"sealed anew", fmt.Sprint(encryption.Resealed)},
					{"older keys", strings.Join(encryption.OlderKeyIDs, ", ")},
				})
				if !encryption.FromFile {
					fmt.Fprintln(w, "\nNothing needs the older keys any more: take them out of the configuration, and keep them for older backups.")
				}
			})
		},
	}
}

// followRotation waits for the end of a change of the key.
func (a *app) followRotation(ctx context.Context, c *client.Client, encryption client.Encryption) (client.Encryption, error) {
	tick := time.NewTicker(encryptionPoll)
	defer tick.Stop()
	for encryption.Status == "running" {
		select {
		case <-ctx.Done():
			return encryption, ctx.Err()
		case <-tick.C:
		}
		var err error
		if encryption, err = c.Encryption(ctx); err != nil {
			return encryption, fmt.Errorf("ask how far the rotation is: %w", err)
		}
	}
	if encryption.Status == "failed" {
		return encryption, errors.New("rotate the encryption key: " + encryption.Error)
	}
	return encryption, nil
}

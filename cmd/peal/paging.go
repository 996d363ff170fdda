package main

import (
	"github.com/spf13/cobra"

	"github.com/pealhq/peal/client"
)

// paging adds --limit and --cursor to a command that lists.
func paging(cmd *cobra.Command) *client.PageQuery {
	var query client.PageQuery
	cmd.Flags().IntVar(&query.Limit, "limit", 50, "how many to show at most, 1 to 200")
	cmd.Flags().StringVar(&query.Cursor, "cursor", "", "where to go on, as the list before says")
	return &query
}

// choices makes the shell offer the values of a flag.
func choices(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist, which the help of it would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

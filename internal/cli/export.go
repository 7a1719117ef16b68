package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"muster/internal/cli/command"
	"muster/internal/client"

	"github.com/spf13/cobra"
)

func newExport() *cobra.Command {
	var r command.Remote
	cmd := &cobra.Command{
		Use:   "export",
		Short: "See and fetch findings reports and SBOM exports",
		Long: `Reports and exports are ordered by Inspector's own operations (aws inspector2 create-findings-report,
create-sbom-export). Here they are listed and fetched, wherever they went. Cells of CSV reports that a spreadsheet
would take for formulas get an apostrophe, unless --raw is given.`,
		Args: command.NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.Flags(cmd)
	cmd.AddCommand(newExportList(&r), newExportDownload(&r))
	return cmd
}

func newExportList(r *command.Remote) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List reports and exports of the last week", Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			var in client.ExportInput
			all := []client.Export{}
			for {
				var page client.Exports
				if err := c.Call(cmd.Context(), "ListExports", in, &page); err != nil {
					return command.InvalidInput(err)
				}
				all = append(all, page.Exports...)
				if in.NextToken = page.NextToken; in.NextToken == "" {
					break
				}
			}
			if r.Format == "json" {
				return command.PrintJSON(cmd.OutOrStdout(), all)
			}
			p := &printer{w: cmd.OutOrStdout()}
			for _, e := range all {
				p.line("%s  %s  %-8s %-13s %s  s3://%s/%s %s", e.ExportID, e.CreatedAt.Time().Format(time.RFC3339), e.Kind, e.Format, e.Status, e.BucketName, e.KeyPrefix, e.ErrorCode)
			}
			return p.err
		},
	}
}

func newExportDownload(r *command.Remote) *cobra.Command {
	var dir string
	var raw bool
	cmd := &cobra.Command{
		Use: "download ID", Short: "Fetch the files of a report or export",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return command.Usage(fmt.Errorf("%s takes one export id", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			p := &printer{w: cmd.OutOrStdout()}
			in := client.ExportInput{ExportID: args[0]}
			for {
				var page client.ExportObjects
				if err := c.Call(cmd.Context(), "ListExportObjects", in, &page); err != nil {
					return command.InvalidInput(err)
				}
				for _, o := range page.Objects {
					path, err := download(cmd, c, client.ExportInput{ExportID: args[0], Key: o.Key, Raw: raw}, dir)
					if err != nil {
						return err
					}
					p.line("%s", path)
				}
				if in.NextToken = page.NextToken; in.NextToken == "" {
					return p.err
				}
			}
		},
	}
	cmd.Flags().StringVar(&dir, "to", ".", "folder to write to")
	cmd.Flags().BoolVar(&raw, "raw", false, "the bytes as they are in the bucket")
	return cmd
}

// download writes an object into a folder, under its key.
func download(cmd *cobra.Command, c *client.Client, in client.ExportInput, dir string) (path string, err error) {
	root, err := os.OpenRoot(dir) // keys are not trusted with a way out of it
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	name := filepath.FromSlash(in.Key)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", err
	}
	f, err := root.Create(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		var piece client.ExportPiece
		if err := c.Call(cmd.Context(), "GetExportObject", in, &piece); err != nil {
			return "", command.InvalidInput(err)
		}
		if _, err := f.Write(piece.Content); err != nil {
			return "", err
		}
		if in.NextToken = piece.NextToken; in.NextToken == "" {
			return filepath.Join(dir, name), nil
		}
	}
}

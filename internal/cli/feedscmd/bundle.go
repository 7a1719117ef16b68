package feedscmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/internal/feed/bundle"
	"muster/internal/refresh"
)

// trustFlags say which bundles are believed.
type trustFlags struct {
	keys     []string
	insecure bool
}

func (f *trustFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.keys, "trust", nil, "file of public keys whose bundles are believed (repeatable; default: the configured ones)")
	cmd.Flags().BoolVar(&f.insecure, "insecure-unsigned", false, "believe bundles without a signature and of unknown keys")
}

func (f *trustFlags) read(cmd *cobra.Command, open Openers) (bundle.Trust, error) {
	settings, err := open.Settings(cmd)
	if err != nil {
		return bundle.Trust{}, err
	}
	keys := f.keys
	if len(keys) == 0 {
		keys = settings.Trust
	}
	trust, err := bundle.ReadTrust(keys)
	trust.Unsigned = f.insecure
	return trust, err
}

func newKeygen() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen FILE",
		Short: "Make a key that signs bundles",
		Long: `Writes a private ed25519 key to FILE, for 'muster feeds export --key', and its public key to FILE.pub, for
'--trust' and the key feeds_trust where bundles are imported. A file that is there is not replaced.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			public, err := bundle.GenerateKey(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Key %s: keep %s secret; give %s.pub to those who import.\n", bundle.KeyID(public), args[0], args[0])
			return nil
		},
	}
}

// exportFlags are the flags of export.
type exportFlags struct {
	dir, key, base string
	unsigned       bool
	sources        []string
}

func newExport(open Openers) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the feeds folder as one signed bundle, for places without a network",
		Long: `Writes the feeds folder to one file: a manifest with source, address, time, hash, form and licence of
everything in it, signed, and the files. The same content makes the same bytes. With --base it holds only what
changed since an earlier bundle.`,
		Example: `  muster feeds keygen /etc/muster/bundle.key
  muster feeds fetch --dir /srv/feeds
  muster feeds export feeds.bundle --dir /srv/feeds --key /etc/muster/bundle.key`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, open, args[0]) },
	}
	cmd.Flags().StringVar(&f.dir, "dir", "", "feeds folder (default: the configured installation's)")
	cmd.Flags().StringVar(&f.key, "key", "", "private key that signs the bundle")
	cmd.Flags().BoolVar(&f.unsigned, "unsigned", false, "write it without a signature")
	cmd.Flags().StringVar(&f.base, "base", "", "earlier bundle that this one continues")
	cmd.Flags().StringArrayVar(&f.sources, "source", nil, "export only this source (repeatable)")
	return cmd
}

func (f *exportFlags) run(cmd *cobra.Command, open Openers, out string) (err error) {
	if (f.key == "") != f.unsigned {
		return errors.New("give either --key FILE or --unsigned")
	}
	settings, err := open.Settings(cmd)
	if err != nil {
		return err
	}
	opts := bundle.Options{Sources: f.sources}
	if f.key != "" {
		if opts.Key, err = bundle.ReadKey(f.key); err != nil {
			return err
		}
	}
	if f.base != "" {
		// Whoever exports has the base from where it was made.
		if opts.Base, err = bundle.Open(f.base, bundle.Trust{Unsigned: true}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, opts.Base.Close()) }()
	}
	dir := f.dir
	if dir == "" {
		dir = settings.Fetch.Dir
	}
	m, err := bundle.Write(cmd.Context(), out, dir, opts)
	if err != nil {
		return err
	}
	files, size := 0, int64(0)
	for _, file := range m.Files {
		if !file.FromBase {
			files, size = files+1, size+file.Size
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s: %d files, %s.\n", out, files, bytesOf(size))
	return nil
}

// importFlags are the flags of import.
type importFlags struct {
	trustFlags
	dir             string
	older, shrunken bool
}

func newImport(open Openers) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import a bundle",
		Long: `Verifies a bundle, brings its files into the feeds folder and puts them into service. Nothing changes
unless all of it is there, signed by a trusted key, and no older than what is there. An import that was interrupted goes
on when the same bundle is imported again. With --dir it fills a feeds folder only, without a server.`,
		Example: `  muster feeds import feeds.bundle --trust bundle.key.pub
  muster feeds import feeds.bundle --trust bundle.key.pub --dir /srv/feeds`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, open, args[0]) },
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.dir, "dir", "", "fill this feeds folder, and import nothing")
	cmd.Flags().BoolVar(&f.older, "allow-older", false, "take a bundle that is older than what is there")
	cmd.Flags().BoolVar(&f.shrunken, "accept-shrunken", false, "import files that lost more than a fifth of their records")
	return cmd
}

func (f *importFlags) run(cmd *cobra.Command, open Openers, path string) (err error) {
	trust, err := f.read(cmd, open)
	if err != nil {
		return err
	}
	b, err := bundle.Open(path, trust)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", path, b.Summary())
	if f.dir != "" {
		return f.fill(cmd, b, f.dir)
	}
	state, s, err := service(cmd, open, trust)
	if err != nil {
		return err
	}
	defer state.Close()
	defer s.Close()
	if err := f.fill(cmd, b, state.Fetch.Dir); err != nil {
		return err
	}
	return runSync(cmd, s, refresh.SyncOptions{Source: refresh.Imported, AcceptShrunken: f.shrunken})
}

// fill brings the bundle's files into a feeds folder.
func (f *importFlags) fill(cmd *cobra.Command, b *bundle.Bundle, dir string) error {
	changed, err := b.Import(cmd.Context(), dir, bundle.ImportOptions{
		Older: f.older,
		Progress: func(done, total int, file bundle.File) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%3d/%d %s: %s\n", done, total, file.Path, bytesOf(file.Size))
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d of %d files changed in %s.\n", len(changed), len(b.Manifest.Files), dir)
	return nil
}

func newInspect(open Openers) *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a bundle, where it came from and on what terms",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			trust, err := f.read(cmd, open)
			if err != nil {
				return err
			}
			b, err := bundle.Open(args[0], trust)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			fmt.Fprintf(cmd.OutOrStdout(), "Bundle %s: %s\n", b.ID, b.Summary())
			t := newTable("FILE", "SIZE", "FETCHED", "FORM", "LICENCE", "ATTRIBUTION", "ADDRESS")
			for _, file := range b.Manifest.Files {
				t.row(file.Path, bytesOf(file.Size), when(file.FetchedAt, "-"), file.Schema, file.Licence, file.Attribution, file.URL)
			}
			return t.write(cmd.OutOrStdout())
		},
	}
	f.register(cmd)
	return cmd
}

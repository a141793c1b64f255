package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/signature"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// signatureSuffix is what the file of a module's signatures is called after.
const signatureSuffix = ".sig"

// readSignature reads the signatures of a plugin, from a file that is named or from the one beside the
// plugin, which need not exist.
func (a app) readSignature(plugin, named string) ([]byte, error) {
	if named != "" {
		return a.readFile(named)
	}
	if plugin == "-" {
		return nil, nil
	}
	if _, err := os.Stat(plugin + signatureSuffix); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return a.readFile(plugin + signatureSuffix)
}

func newSign(a app) *cobra.Command {
	var key string
	var fresh bool
	c := &cobra.Command{
		Use:   "sign --key KEY.pem FILE...",
		Short: "Sign plugins, so that a policy can name who made them",
		Long: `sign writes the signature of each FILE to FILE.sig, with a private key of Ed25519 in PEM, and prints the public
key, which policies list in plugin.signers. A signature that is there by another key stays. --new makes the key.`,
		Example: `  bpfhost sign --new --key team.pem
  bpfhost sign --key team.pem guard.wasm`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case key == "":
				return badUsage(c, "sign: --key KEY.pem is missing")
			case len(args) == 0 && !fresh:
				return badUsage(c, "sign: FILE is missing")
			}
			if fresh {
				if err := newKeyFile(key); err != nil {
					return err
				}
			}
			return a.sign(key, args)
		},
	}
	c.Flags().StringVar(&key, "key", "", "`KEY.pem` with the private key")
	c.Flags().BoolVar(&fresh, "new", false, "make the private key; the file must not exist")
	return c
}

// newKeyFile writes a new private key where nothing is yet.
func newKeyFile(name string) error {
	_, text, err := signature.NewKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(text)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, bare(err))
	}
	return nil
}

// sign signs files and prints the public key.
func (a app) sign(key string, files []string) error {
	text, err := a.readFile(key)
	if err != nil {
		return err
	}
	private, err := signature.ParsePrivateKey(text)
	if err != nil {
		return &inputError{fmt.Errorf("%s: %w", key, err)}
	}
	for _, name := range files {
		module, err := a.readFile(name)
		if err != nil {
			return err
		}
		before, err := a.readSignature(name, "")
		if err != nil {
			return err
		}
		if text, err = signature.Sign(module, before, private); err != nil {
			return &inputError{fmt.Errorf("%s: %w", name+signatureSuffix, err)}
		}
		if err := a.writeFile(name+signatureSuffix, text); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.out, signature.KeyOf(private))
	return err
}

func newVerify(a app) *cobra.Command {
	var signer, named string
	c := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Say who signed plugins",
		Long: `verify reads FILE.sig beside each FILE and prints the public keys that signed it. It ends with exit code 10 when a
file has no signature, a signature is not of the file, or --signer is not among the keys.`,
		Example: `  bpfhost verify guard.wasm`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "verify: FILE is missing")
			}
			if named != "" && len(args) > 1 {
				return badUsage(c, "verify: --signature goes with one FILE")
			}
			var failed failures
			for _, name := range args {
				failed = failed.with(a.verify(name, named, signer))
			}
			return failed.err()
		},
	}
	c.Flags().StringVar(&signer, "signer", "", "public `KEY` that must have signed")
	c.Flags().StringVar(&named, "signature", "", "`FILE` with the signatures (default: FILE.sig)")
	return c
}

// verify prints who signed a file.
func (a app) verify(name, named, signer string) error {
	module, err := a.readFile(name)
	if err != nil {
		return err
	}
	text, err := a.readSignature(name, named)
	if err != nil {
		return err
	}
	if text == nil {
		return &inputError{fmt.Errorf("verify %s: it is not signed: there is no %s", name, name+signatureSuffix)}
	}
	keys, err := signature.Verify(module, text)
	if err != nil {
		return &inputError{fmt.Errorf("%s: %w", name, err)}
	}
	found := signer == ""
	for _, k := range keys {
		found = found || string(k) == signer
		if _, err := fmt.Fprintf(a.out, "%s: signed by %s\n", quote.Text(name), k); err != nil {
			return err
		}
	}
	if !found {
		return &inputError{fmt.Errorf("verify %s: %s did not sign it", name, signer)}
	}
	return nil
}

package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"muster/internal/cli/command"
	"muster/internal/cluster"

	"github.com/spf13/cobra"
)

// inCluster is where pods find their cluster's credentials.
const inCluster = "/var/run/secrets/kubernetes.io/serviceaccount/"

func newCluster() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Tell a server which images run in a cluster",
		Args:  command.NeedCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newClusterWatch())
	return cmd
}

// apiServer says how a cluster's API server is reached.
type apiServer struct{ address, tokenFile, caFile string }

func newClusterWatch() *cobra.Command {
	var r command.Remote
	var api apiServer
	var name string
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Watch the pods of a Kubernetes cluster and report their images",
		Long: `Watches the pods of a Kubernetes cluster and tells a server which images they run, by digest and workload, so
that findings, coverage and GetClustersForImage know where an image is in use. It needs leave to list and watch
pods in all namespaces; run in a pod, it finds the API server and its token by itself.`,
		Example: `  muster cluster watch --cluster-arn arn:aws:eks:us-east-1:111122223333:cluster/prod`,
		Args:    command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || every < time.Second {
				return command.Usage(errors.New("--cluster-arn is needed, and --every of a second at least"))
			}
			w, err := api.watcher()
			if err != nil {
				return command.Usage(err)
			}
			c, err := r.Open(cmd)
			if err != nil {
				return err
			}
			w.Every, w.Gather = every, 2*time.Second
			w.Problem = func(err error) { fmt.Fprintf(cmd.ErrOrStderr(), "muster: %v; it is tried again\n", err) }
			w.Report = func(ctx context.Context, list []cluster.Use) error {
				in := map[string]any{"clusterArn": name, "images": list}
				return c.Call(ctx, "ReportClusterImages", in, &struct{}{})
			}
			if err := w.Run(cmd.Context()); !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
	r.Flags(cmd)
	f := cmd.Flags()
	f.StringVar(&name, "cluster-arn", "", "ARN of the cluster, in the account and Region that report")
	f.DurationVar(&every, "every", 5*time.Minute, "how often to report at least")
	f.StringVar(&api.address, "kubernetes", "", "address of the API server (default that of the pod's cluster)")
	f.StringVar(&api.tokenFile, "token-file", "", "file with a bearer token (default the pod's service account)")
	f.StringVar(&api.caFile, "ca-file", "", "file with the cluster's certificate authority (default the pod's)")
	return cmd
}

// watcher is made of the flags, and of what a pod finds.
func (a apiServer) watcher() (*cluster.Watcher, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if a.address == "" {
		if host == "" {
			return nil, errors.New("no API server: give --kubernetes, or run in a pod")
		}
		a.address = "https://" + net.JoinHostPort(host, port)
		if a.tokenFile == "" {
			a.tokenFile = inCluster + "token"
		}
		if a.caFile == "" {
			a.caFile = inCluster + "ca.crt"
		}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.caFile != "" {
		pem, err := os.ReadFile(a.caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", a.caFile)
		}
	}
	w := &cluster.Watcher{Server: a.address, HTTP: &http.Client{Transport: &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true, ResponseHeaderTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
	}}}
	w.Token = func() (string, error) {
		if a.tokenFile == "" {
			return "", nil
		}
		body, err := os.ReadFile(a.tokenFile)
		return strings.TrimSpace(string(body)), err
	}
	return w, nil
}

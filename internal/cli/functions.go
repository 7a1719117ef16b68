package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"muster/internal/client"

	"github.com/spf13/cobra"
)

func newFunctions() *cobra.Command {
	var r remote
	cmd := group("functions", "Bring serverless functions and their layers to be scanned",
		`Uploads the zip archives of functions and layers. They are read once; what they hold is scanned at once and again
whenever advisories change. A function that is neither changed nor invoked for ninety days is no longer scanned.`,
		`  muster functions layers publish deps --code layer.zip
  muster functions upload web --code web.zip --runtime python3.13 --role arn:aws:iam::111122223333:role/run --layer ARN
  muster functions tag web --tag InspectorExclusion=LambdaStandardScanning
  muster functions delete web`)
	r.flags(cmd)
	layers := group("layers", "Layers that functions are given", "", "")
	layers.AddCommand(r.publishLayer(), r.simple("list", "List the versions of layers", "ListFunctionLayers"),
		r.simple("delete ARN", "Delete a version; functions that have it keep it", "DeleteFunctionLayer", "layerVersionArn"))
	cmd.AddCommand(layers, r.uploadFunction(), r.tag("tag NAME", "TagFunction", "functionName"), r.untag("untag NAME KEY…", "UntagFunction", "functionName"),
		r.simple("list", "List the functions", "ListFunctions"),
		r.simple("show NAME", "Show a function", "GetFunction", "functionName"),
		r.simple("invoked NAME", "Note that a function was invoked now", "RecordFunctionInvocation", "functionName"),
		r.simple("delete NAME", "Delete a function; its findings close", "DeleteFunction", "functionName"))
	return cmd
}

// upload sends a file in parts and returns the upload's id.
func upload(ctx context.Context, c *client.Client, name string) (id string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", usageError{err}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var up struct {
		UploadID string `json:"uploadId"`
		PartSize int64  `json:"partSize"`
	}
	if err := c.Call(ctx, "CreateUpload", struct{}{}, &up); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		data, err := io.ReadAll(io.LimitReader(f, up.PartSize))
		if err != nil || len(data) == 0 && n > 0 {
			return up.UploadID, err
		}
		if len(data) == 0 {
			return "", usageError{errors.New(name + " is empty")}
		}
		part := struct {
			UploadID string `json:"uploadId"`
			Number   int    `json:"partNumber"`
			Data     []byte `json:"data"`
		}{up.UploadID, n, data}
		var none json.RawMessage
		if err := c.Call(ctx, "PutUploadPart", part, &none); err != nil {
			return "", err
		}
	}
}

// sent uploads a file and hands its id to one call.
func (r *remote) sent(cmd *cobra.Command, operation, file string, in map[string]any) error {
	if file != "" {
		c, err := r.open(cmd)
		if err != nil {
			return err
		}
		if in["uploadId"], err = upload(cmd.Context(), c, file); err != nil {
			return invalidInput(err)
		}
	}
	return r.raw(cmd, operation, in)
}

func (r *remote) publishLayer() *cobra.Command {
	var code string
	cmd := &cobra.Command{Use: "publish NAME --code FILE", Short: "Make the next version of a layer", Args: oneArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code == "" {
				return usageError{errors.New("--code is missing: the layer's zip archive")}
			}
			return r.sent(cmd, "PublishFunctionLayer", code, map[string]any{"layerName": args[0]})
		}}
	cmd.Flags().StringVar(&code, "code", "", "zip archive (required)")
	return cmd
}

func (r *remote) uploadFunction() *cobra.Command {
	var code, runtime, role, architecture string
	var layers, tags []string
	cmd := &cobra.Command{Use: "upload NAME [--code FILE]", Short: "Bring a function, or change one: what is left out stays", Args: oneArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]any{"functionName": args[0]}
			for member, value := range map[string]string{"runtime": runtime, "roleArn": role, "architecture": architecture} {
				if value != "" {
					in[member] = value
				}
			}
			if cmd.Flags().Changed("layer") {
				in["layers"] = layers
			}
			set, err := tagList(tags)
			if err != nil {
				return err
			}
			if len(set) > 0 {
				in["tags"] = set
			}
			return r.sent(cmd, "PutFunction", code, in)
		}}
	f := cmd.Flags()
	f.StringVar(&code, "code", "", "zip archive of its code")
	f.StringVar(&runtime, "runtime", "", "as Lambda calls it: python3.13, nodejs22.x, java21, …")
	f.StringVar(&role, "role", "", "ARN of the role it runs as")
	f.StringVar(&architecture, "architecture", "", "x86_64 or arm64")
	f.StringArrayVar(&layers, "layer", nil, "ARN of a layer version, in the function's order (may be repeated)")
	f.StringArrayVar(&tags, "tag", nil, "KEY=VALUE, in place of the tags it had (may be repeated)")
	return cmd
}

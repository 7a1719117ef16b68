package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"muster/internal/cli/command"
	"muster/internal/client"

	"github.com/spf13/cobra"
)

func newFunctions() *cobra.Command {
	var r command.Remote
	cmd := command.Group("functions", "Bring serverless functions and their layers to be scanned",
		`Uploads the zip archives of functions and layers. They are read once; what they hold is scanned at once and again
whenever advisories change. A function that is neither changed nor invoked for ninety days is no longer scanned.`,
		`  muster functions layers publish deps --code layer.zip
  muster functions upload web --code web.zip --runtime python3.13 --role arn:aws:iam::111122223333:role/run --layer ARN
  muster functions tag web --tag InspectorExclusion=LambdaStandardScanning
  muster functions delete web`)
	r.Flags(cmd)
	layers := command.Group("layers", "Layers that functions are given", "", "")
	layers.AddCommand(newPublishLayer(&r), r.Simple("list", "List the versions of layers", "ListFunctionLayers"),
		r.Simple("delete ARN", "Delete a version; functions that have it keep it", "DeleteFunctionLayer", "layerVersionArn"))
	cmd.AddCommand(layers, newUploadFunction(&r), newTag(&r, "tag NAME", "TagFunction", "functionName"), newUntag(&r, "untag NAME KEY…", "UntagFunction", "functionName"),
		r.Simple("list", "List the functions", "ListFunctions"),
		r.Simple("show NAME", "Show a function", "GetFunction", "functionName"),
		r.Simple("invoked NAME", "Note that a function was invoked now", "RecordFunctionInvocation", "functionName"),
		r.Simple("delete NAME", "Delete a function; its findings close", "DeleteFunction", "functionName"))
	return cmd
}

// upload sends a file in parts and returns the upload's id.
func upload(ctx context.Context, c *client.Client, name string) (id string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", command.Usage(err)
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
			return "", command.Usage(errors.New(name + " is empty"))
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
func send(r *command.Remote, cmd *cobra.Command, operation, file string, in map[string]any) error {
	if file != "" {
		c, err := r.Open(cmd)
		if err != nil {
			return err
		}
		if in["uploadId"], err = upload(cmd.Context(), c, file); err != nil {
			return command.InvalidInput(err)
		}
	}
	return r.Raw(cmd, operation, in)
}

func newPublishLayer(r *command.Remote) *cobra.Command {
	var code string
	cmd := &cobra.Command{Use: "publish NAME --code FILE", Short: "Make the next version of a layer", Args: command.OneArgument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code == "" {
				return command.Usage(errors.New("--code is missing: the layer's zip archive"))
			}
			return send(r, cmd, "PublishFunctionLayer", code, map[string]any{"layerName": args[0]})
		}}
	cmd.Flags().StringVar(&code, "code", "", "zip archive (required)")
	return cmd
}

func newUploadFunction(r *command.Remote) *cobra.Command {
	var code, runtime, role, architecture string
	var layers, tags []string
	cmd := &cobra.Command{Use: "upload NAME [--code FILE]", Short: "Bring a function, or change one: what is left out stays", Args: command.OneArgument,
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
			return send(r, cmd, "PutFunction", code, in)
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

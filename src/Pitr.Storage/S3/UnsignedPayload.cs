using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// Leaves the content of puts out of the signature: Content-MD5 or a checksum, which are signed, protect it, and SHA-256 of every byte
/// would be the slowest part of a put on processors without instructions for it. Stores allow that with and without TLS, the SDK's signer only
/// with; so it is shown an <c>https</c> endpoint, which is not part of what it signs. Belongs around the signer.
/// </summary>
sealed class UnsignedPayload : PipelineHandler
{
    const string Attribute = "pitr-endpoint";

    public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
    {
        var context = executionContext.RequestContext;
        // Not on port 443 without TLS, where the Host header, which is signed, would lose its port.
        if (context.OriginalRequest is PutObjectRequest or UploadPartRequest
            && (context.Request.Endpoint.Scheme == Uri.UriSchemeHttps || context.Request.Endpoint.Port != 443))
        {
            var endpoint = context.Request.Endpoint;
            context.Request.DisablePayloadSigning = true;
            if (endpoint.Scheme == Uri.UriSchemeHttp)
            {
                context.ContextAttributes[Attribute] = endpoint;
                context.Request.Endpoint = new UriBuilder(endpoint)
                {
                    Scheme = Uri.UriSchemeHttps,
                    Port = endpoint.IsDefaultPort ? -1 : endpoint.Port,
                }.Uri;
            }
        }

        return base.InvokeAsync<T>(executionContext);
    }

    /// <summary>Puts the real endpoint back. Belongs behind the signer.</summary>
    public sealed class Undo : PipelineHandler
    {
        public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
        {
            if (executionContext.RequestContext.ContextAttributes.TryGetValue(Attribute, out var endpoint))
            {
                executionContext.RequestContext.Request.Endpoint = (Uri)endpoint;
            }

            return base.InvokeAsync<T>(executionContext);
        }
    }
}

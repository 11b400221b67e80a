using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3.Model;

namespace Pitr.Storage.S3;

/// <summary>
/// Leaves the content of puts out of the signature: Content-MD5 or a checksum, which are signed, protect it, and SHA-256 of every byte
/// would be the slowest part of a put on processors without instructions for it. The header instead of the SDK's own
/// <c>DisablePayloadSigning</c>, which the SDK refuses without TLS, though every store allows it.
/// </summary>
sealed class UnsignedPayload : PipelineHandler
{
    public override Task<T> InvokeAsync<T>(IExecutionContext executionContext)
    {
        var context = executionContext.RequestContext;
        if (context.OriginalRequest is PutObjectRequest or UploadPartRequest)
        {
            context.Request.Headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD";
        }

        return base.InvokeAsync<T>(executionContext);
    }
}

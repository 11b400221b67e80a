using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;

namespace Pitr.Storage.S3;

/// <summary>
/// The SDK's client, with <see cref="UnsignedPayload"/> and <see cref="PacedBody"/> in its pipeline, and without its retries: it repeats requests whose connection broke
/// even where told to retry none, and hides that from those who count attempts.
/// </summary>
sealed class S3Client(AWSCredentials credentials, AmazonS3Config config) : AmazonS3Client(credentials, config)
{
    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        base.CustomizeRuntimePipeline(pipeline);
        pipeline.AddHandlerBefore<Signer>(new UnsignedPayload());
        pipeline.AddHandlerAfter<Signer>(new UnsignedPayload.Undo());
        pipeline.AddHandlerAfter<Signer>(new PacedBody.Sender());
        pipeline.RemoveHandler<RetryHandler>();
    }
}

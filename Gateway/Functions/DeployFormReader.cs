using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FaasCluster.Gateway.Functions;

/// <summary>Reads the multipart body of a deployment part by part, within the limits.</summary>
internal static class DeployFormReader
{
    private const int MaximumManifestBytes = 4 * ManifestReader.MaximumLength;
    private const int MaximumBoundary = 128;
    private const long Overhead = 1 << 20;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The form, or the answer that says what is wrong with it.</summary>
    public static async Task<(DeployForm? Form, ProblemAnswer? Problem)> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        // 1. Is it what is expected, as far as its header says?
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            return (null, ProblemAnswer.For(
                ErrorCode.UnsupportedMediaType, $"The content type is '{Shown.Text(request.ContentType ?? "")}'; expected multipart/form-data with the parts package and manifest."));
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary);
        if (boundary.Length is 0 or > MaximumBoundary)
        {
            return (null, ProblemAnswer.Invalid("Content-Type", $"has a boundary of {boundary.Length} characters; expected 1 to {MaximumBoundary}."));
        }

        const long most = Limits.PackageBytes + MaximumManifestBytes + Overhead;
        if (request.ContentLength > most)
        {
            return (null, TooLarge("package", Limits.PackageBytes));
        }

        // 2. The parts.
        try
        {
            return await ReadPartsAsync(new MultipartReader(boundary.Value!, request.Body), cancellationToken);
        }
        catch (Exception exception) when (exception is InvalidDataException
            || (exception is IOException and not BadHttpRequestException && !cancellationToken.IsCancellationRequested))
        {
            return (null, ProblemAnswer.Invalid("body", $"is no well-formed multipart/form-data: {exception.Message}"));
        }
    }

    private static async Task<(DeployForm? Form, ProblemAnswer? Problem)> ReadPartsAsync(MultipartReader reader, CancellationToken cancellationToken)
    {
        var errors = new List<FieldError>();
        byte[]? package = null;
        string? fileName = null;
        string? manifest = null;
        while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
        {
            var disposition = section.GetContentDispositionHeader();
            var name = HeaderUtilities.RemoveQuotes(disposition?.Name ?? "").ToString();
            switch (name)
            {
                case "package" when package is null:
                    package = await ReadPartAsync(section.Body, Limits.PackageBytes, cancellationToken);
                    if (package is null)
                    {
                        return (null, TooLarge(name, Limits.PackageBytes));
                    }

                    var given = HeaderUtilities.RemoveQuotes(disposition!.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName);
                    fileName = given.Length == 0 ? null : given.ToString();
                    break;
                case "manifest" when manifest is null:
                    if (await ReadPartAsync(section.Body, MaximumManifestBytes, cancellationToken) is not { } bytes)
                    {
                        return (null, TooLarge(name, MaximumManifestBytes));
                    }

                    manifest = Decode(bytes, errors);
                    break;
                case "package" or "manifest":
                    errors.Add(new(name, "was sent twice; expected one part of that name."));
                    break;
                default:
                    errors.Add(new(name.Length == 0 ? "body" : Shown.Text(name), "is an unknown part; expected package and manifest."));
                    break;
            }

            if (errors.Count > 0)
            {
                return (null, ProblemAnswer.Invalid(errors));
            }
        }

        return package is { Length: > 0 }
            ? (new DeployForm { Package = package, FileName = fileName, Manifest = manifest }, null)
            : (null, ProblemAnswer.Invalid("package", package is null ? "is missing; expected a .zip or one source file." : "is empty; expected a .zip or one source file."));
    }

    private static string? Decode(byte[] bytes, List<FieldError> errors)
    {
        try
        {
            return StrictUtf8.GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException exception)
        {
            errors.Add(new("manifest", $"is not valid UTF-8 at byte {exception.Index}; save it as UTF-8."));
            return null;
        }
    }

    // Grows with what arrives: a length that is only claimed must not cost memory.
    private static async Task<byte[]?> ReadPartAsync(Stream part, long limit, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[64 << 10];
        for (int read; (read = await part.ReadAsync(chunk, cancellationToken)) > 0;)
        {
            if (buffer.Length + read > limit)
            {
                return null;
            }

            buffer.Write(chunk, 0, read);
        }

        return buffer.ToArray();
    }

    private static ProblemAnswer TooLarge(string field, long limit)
    {
        var answer = ProblemAnswer.For(ErrorCode.PayloadTooLarge, $"{field}: has more than {limit} bytes, which is the limit; leave out what the function does not need.");
        return new ProblemAnswer(answer.Problem with { Errors = [new(field, $"has more than {limit} bytes, which is the limit.")] });
    }
}

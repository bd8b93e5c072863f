"""Resizes and watermarks the JPEG that is sent as the request's body.

?width=400 (16 to 4096, default 320) is the width of the result; its height follows from the picture.
?text=... (up to 64 characters, default FaasCluster) is the watermark; an empty one leaves it out.
"""
import io
import warnings

from PIL import Image, ImageDraw, ImageFont, ImageOps

# A small file can unpack to gigabytes: refuse what would not fit into the function's memory.
Image.MAX_IMAGE_PIXELS = 64_000_000
warnings.simplefilter('error', Image.DecompressionBombWarning)


def process_image(request):
    try:
        width = int(request.args.get('width', '320'))
    except ValueError:
        width = 0
    if not 16 <= width <= 4096:
        return 'width must be a whole number from 16 to 4096.\n', 400
    text = request.args.get('text', 'FaasCluster')[:64]
    try:
        # Whatever content type it was sent with: curl says that it is a form.
        image = open_jpeg(request.get_data(), width)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return 'The picture has more than 64 megapixels.\n', 413
    except OSError as error:
        return f'The body is no JPEG: {error}\n', 400
    height = max(1, round(image.height * width / image.width))
    image = image.resize((width, height), Image.LANCZOS)
    if text:
        image = watermark(image, text)
    output = io.BytesIO()
    image.save(output, 'JPEG', quality=85, optimize=True)
    return output.getvalue(), 200, {'Content-Type': 'image/jpeg'}


def open_jpeg(data, width):
    image = Image.open(io.BytesIO(data), formats=['JPEG'])
    # JPEG can be decoded at a half, a quarter or an eighth: much faster and smaller than the whole picture.
    image.draft('RGB', (2 * width, 2 * width * image.height // image.width))
    return ImageOps.exif_transpose(image).convert('RGB')


def watermark(image, text):
    """Writes the text into the lower right corner, half transparent and as wide as a third of the picture at most."""
    font = ImageFont.load_default()
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new('L', (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, font=font, fill=160)
    scale = min(image.width / 3 / mask.width, image.height / 8 / mask.height)
    mask = mask.resize((max(1, round(mask.width * scale)), max(1, round(mask.height * scale))), Image.BILINEAR)
    margin = image.width // 50
    x, y = image.width - mask.width - margin, image.height - mask.height - margin
    shadow = max(1, image.width // 300)
    # White with a shadow can be read on bright and on dark.
    image.paste((0, 0, 0), (x + shadow, y + shadow), mask)
    image.paste((255, 255, 255), (x, y), mask)
    return image

/* The bare cost of strict JPEG decoding at 1/8 scale: read, decode to grey, throw away. No Python, no facts.
 * cc -O2 bench/limit.c -ljpeg -o limit; ./limit < list-of-paths */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

struct handler { struct jpeg_error_mgr base; jmp_buf out; };

static void fail(j_common_ptr info) { longjmp(((struct handler *)info->err)->out, 1); }
static void quiet(j_common_ptr info) { (void)info; }

int main(void) {
    static char path[8192];
    unsigned char *bytes = NULL, *row = NULL;
    size_t room = 0, row_room = 0;
    long files = 0, bad = 0;
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        FILE *file = fopen(path, "rb");
        if (!file) { bad++; continue; }
        fseek(file, 0, SEEK_END);
        size_t size = (size_t)ftell(file);
        rewind(file);
        if (size > room) { room = size * 2; bytes = realloc(bytes, room); }
        if (fread(bytes, 1, size, file) != size) size = 0;
        fclose(file);
        struct jpeg_decompress_struct info;
        struct handler handler;
        info.err = jpeg_std_error(&handler.base);
        handler.base.error_exit = fail;
        handler.base.output_message = quiet;
        files++;
        if (setjmp(handler.out)) { bad++; jpeg_destroy_decompress(&info); continue; }
        jpeg_create_decompress(&info);
        jpeg_mem_src(&info, bytes, size);
        jpeg_read_header(&info, TRUE);
        info.scale_num = 1;
        info.scale_denom = 8;
        info.out_color_space = JCS_GRAYSCALE;
        jpeg_start_decompress(&info);
        if (info.output_width > row_room) { row_room = info.output_width; row = realloc(row, row_room); }
        while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, &row, 1);
        jpeg_finish_decompress(&info);
        if (handler.base.num_warnings) bad++;
        jpeg_destroy_decompress(&info);
    }
    printf("%ld files, %ld bad\n", files, bad);
    return 0;
}
